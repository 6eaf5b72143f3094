"""Install packages from wheels that come as a tar stream: for a host that doesn't reach PyPI."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile


def main() -> None:
    """Install the packages that the arguments name behind the Python to do it with."""
    python, *packages = sys.argv[1:]
    with tempfile.TemporaryDirectory() as place:
        with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as tar:
            for member in tar:
                name = os.path.basename(member.name)
                content = tar.extractfile(member) if member.isreg() and name.endswith(".whl") else None
                if content is not None:
                    with open(os.path.join(place, name), "wb") as file:
                        shutil.copyfileobj(content, file)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
        process = subprocess.run([*install, "--find-links", place, *packages], stdout=sys.stderr)
    if process.returncode:
        sys.exit(process.returncode)
    print(json.dumps({"installed": len(packages)}))


if __name__ == "__main__":
    main()

"""The web addresses of hosted repositories, from how git reaches them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

_SCP = re.compile(r"^(?:[^@/:]+@)?(?P<host>[^@/:]+):(?!//)(?P<path>.+)$")
_KINDS = ("github", "gitlab", "bitbucket")


@dataclass(frozen=True)
class Forge:
    """A hosted repository: *kind* is github, gitlab, bitbucket or empty, *url* its page."""

    kind: str
    url: str

    def compare(self, base: str, branch: str) -> str:
        """Return the page that proposes *branch*; its base is the forge's default when *base* is empty."""
        head, into = quote(branch), quote(base)
        if self.kind == "gitlab":
            onto = f"&merge_request[target_branch]={into}" if base else ""
            return f"{self.url}/-/merge_requests/new?merge_request[source_branch]={head}{onto}"
        if self.kind == "bitbucket":
            return f"{self.url}/pull-requests/new?source={head}" + (f"&dest={into}" if base else "")
        return f"{self.url}/compare/{into + '...' if base else ''}{head}?expand=1"


def of(remote: str) -> Forge | None:
    """Return what the address *remote* belongs to, without what it may hold of a password; None for a directory."""
    if "://" in remote:
        parts = urlsplit(remote)
        host, path, port = parts.hostname or "", parts.path, parts.netloc.rpartition("@")[2].partition(":")[2]
        if parts.scheme == "file" or not host:
            return None
        host += f":{port}" if parts.scheme in ("http", "https") and port else ""
    elif found := _SCP.match(remote):
        host, path = found["host"], found["path"]
    else:
        return None
    host = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}.get(host, host)
    kind = next((kind for kind in _KINDS if kind in host), "")
    return Forge(kind, f"https://{host}/{path.strip('/').removesuffix('.git')}")

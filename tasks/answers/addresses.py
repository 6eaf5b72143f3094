"""Where a session's servers answer."""

from ..model import Session


def of(session: Session) -> list[tuple[str, str]]:
    """Return what each of its ports is for, and its address; without those whose window is left out."""
    missing = {window.run for window in session.windows if window not in session.present_windows}
    unused = {port for port in session.ports.values() for run in missing if str(port) in run.split()}
    served = {key: port for key, port in session.ports.items() if port not in unused}
    return [(key.removesuffix("_port"), f"http://localhost:{port}") for key, port in served.items()]

"""Whether a browser was really sent here by the one who sits before it."""

import socket
from ipaddress import ip_address
from urllib.parse import urlsplit


def is_ours(host: str) -> bool:
    """Whether `host`, of a request's Host header, can only mean this box.

    A page from elsewhere can have its own name resolved to this box's address (DNS rebinding) and
    would then be let read everything here; but it cannot make the browser call that name by an
    address, or by a name of ours.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    own = socket.gethostname().lower()
    return name in ("localhost", own, f"{own}.local") or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True

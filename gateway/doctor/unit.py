"""Is the service installed, enabled, and on its feet; do devices get their names?"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.findings import Finding, bad, good, note

_SUBJECT = "service"
_RULES = "60-checkpoint-gateway.rules"
_RULES_IN = ("etc/udev/rules.d", "run/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d")
_LOG = "journalctl -u checkpoint-gateway -n 50"


def examine(unit: Mapping[str, str], *, systemd: bool) -> Iterator[Finding]:
    """The unit as systemd shows it; `unit` is empty where it has none."""
    if not systemd:
        yield note(_SUBJECT, "systemd does not run this machine")
        return
    if not unit:
        todo = "install the package, or: sudo make install"
        yield note(_SUBJECT, "the gateway is not installed as a service", todo)
        return
    yield _activity(unit)
    if unit.get("UnitFileState") not in ("enabled", "enabled-runtime", "static"):
        todo = "systemctl enable checkpoint-gateway"
        yield bad(_SUBJECT, "it will not start after a power cut: it is not enabled", todo)
    if unit.get("NeedDaemonReload") == "yes":
        todo = "systemctl daemon-reload && systemctl restart checkpoint-gateway"
        yield bad(_SUBJECT, "its unit has been changed, and systemd works with the old one", todo)
    if (restarts := int(unit.get("NRestarts") or 0)) > 0:
        found = f"systemd has had to start it again {restarts} times since it was started by hand"
        yield note(_SUBJECT, found, f"why is in the log: {_LOG}")


def _activity(unit: Mapping[str, str]) -> Finding:
    state = f"{unit.get('ActiveState')} ({unit.get('SubState')})"
    match unit.get("ActiveState"), unit.get("ExecMainStatus"):
        case "active" | "reloading", _:
            return good(_SUBJECT, state)
        case _, "78":
            return bad(_SUBJECT, f"{state}: the configuration has mistakes", "correct them")
        case "activating", _:
            return bad(_SUBJECT, f"{state}: it does not get on its feet", f"see {_LOG}")
        case "failed", _:
            found = f"{state}: {unit.get('Result')}, exit code {unit.get('ExecMainStatus')}"
            return bad(_SUBJECT, found, f"see {_LOG}, then systemctl restart checkpoint-gateway")
        case _:
            return bad(_SUBJECT, state, "systemctl start checkpoint-gateway")


def examine_rules(root: Path, *, installed: bool) -> Iterator[Finding]:
    """The udev rules, without which the service may not open its devices."""
    found = next((place for place in _RULES_IN if (root / place / _RULES).exists()), None)
    if found:
        yield good("udev", f"/{found}/{_RULES} is there")
    elif installed:
        todo = "install the package again, then: udevadm control --reload && udevadm trigger"
        yield bad("udev", f"the rules {_RULES} are missing", todo)

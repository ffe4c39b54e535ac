"""May the gateway's user read and write what the configuration names, and nobody else?"""

import grp
import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drivers.base import SECRETS
from gateway.config import Config
from gateway.findings import Finding, bad, good
from gateway.uplink.tls import exposed

_SUBJECT = "permissions"
_SECRET = frozenset({"password_file", "key_file", "credentials_file"})
"""Options, of the way up and of devices."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the gateway runs as."""

    name: str
    uid: int
    groups: frozenset[int]

    @classmethod
    def of_service(cls, name: str, more_groups: str = "") -> "Identity":
        """The user `name`, in its own groups and those the unit adds, by their names.

        Raises:
            KeyError: there is no such user.
        """
        user = pwd.getpwnam(name)
        groups = set(os.getgrouplist(name, user.pw_gid))
        known = {each.gr_name: each.gr_gid for each in grp.getgrall()}
        groups |= {known[each] for each in more_groups.split() if each in known}
        return cls(name, user.pw_uid, frozenset(groups))

    @classmethod
    def own(cls) -> "Identity":
        """Whoever asks."""
        groups = frozenset({*os.getgroups(), os.getegid()})
        return cls(pwd.getpwuid(os.geteuid()).pw_name, os.geteuid(), groups)

    def may(self, path: Path, wanted: int) -> bool:
        """Whether it may do `wanted` (``os.R_OK``, ``os.W_OK``) by the mode of `path`, whose
        directories are taken to be open to it.

        Raises:
            OSError: there is no such file.
        """
        status = path.stat()
        if self.uid == 0:
            return True
        if status.st_uid == self.uid:
            bits = status.st_mode >> 6
        elif status.st_gid in self.groups:
            bits = status.st_mode >> 3
        else:
            bits = status.st_mode
        return bits & wanted == wanted


def examine(config: Config, who: Identity, file: Path) -> Iterator[Finding]:
    """The configuration's own file, the state directory, the secrets."""
    yield from _readable(file, who, _SUBJECT)
    yield from _writable(config.gateway.state_dir, who)
    for secret in _secrets(config):
        if secret.parent == SECRETS:  # systemd reads these, as root
            yield from _held(secret)
        else:
            yield from _readable(secret, who, "secrets")
    if config.uplink.password_file:  # of the key the broker's examination says it
        yield from _kept(config.uplink.password_file)


def _secrets(config: Config) -> Iterator[Path]:
    tables = [config.uplink, config.uplink.tls, *config.devices.values()]
    for table in filter(None, tables):
        values = [(name, getattr(table, name)) for name in type(table).model_fields]
        yield from (value for name, value in values if name in _SECRET and value is not None)


def _held(secret: Path) -> Iterator[Finding]:
    try:
        open_to_all = secret.stat().st_mode & 0o077
    except OSError as error:
        todo = "put it there, or correct its name; then systemctl restart checkpoint-gateway"
        yield bad("secrets", f"{secret}: {error.strerror}", todo)
        return
    if open_to_all:
        yield bad("secrets", f"{secret} is not for root alone", f"chmod 0600 {secret}")
    else:
        yield good("secrets", f"systemd hands {secret} to the gateway when it starts")


def _readable(path: Path, who: Identity, subject: str) -> Iterator[Finding]:
    try:
        readable = who.may(path, os.R_OK)
    except OSError as error:
        yield bad(subject, f"{path}: {error.strerror}", "put it there, or correct its name")
        return
    if readable:
        yield good(subject, f"{who.name} may read {path}")
    else:
        yield bad(subject, f"{who.name} may not read {path}", f"chgrp {who.name} {path}")


def _writable(place: Path, who: Identity) -> Iterator[Finding]:
    try:
        writable = who.may(place, os.R_OK | os.W_OK | os.X_OK)
        strange = [each for each in sorted(place.iterdir()) if not who.may(each, os.W_OK)]
    except OSError:
        return  # the disk's own examination says it
    if not writable:
        yield bad(_SUBJECT, f"{who.name} may not write in {place}", f"chown -R {who.name} {place}")
    elif strange:
        found = f"{who.name} may not write {', '.join(each.name for each in strange)} in {place}"
        yield bad(_SUBJECT, found, f"was it started as another user? chown -R {who.name} {place}")
    else:
        yield good(_SUBJECT, f"{who.name} may write in {place}")


def _kept(secret: Path) -> Iterator[Finding]:
    if warning := exposed(secret):
        yield bad("secrets", warning, f"chmod 0640 {secret}")

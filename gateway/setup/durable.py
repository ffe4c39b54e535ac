"""Puts files in place together: each whole or not at all, durable, the former one kept."""

import errno
import os
import pwd
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

from gateway.errors import GatewayError

SERVICE_USER: Final = "checkpoint-gateway"
"""Whom the gateway runs as where it is installed; it must be able to read what is put there."""


class Whose(Enum):
    """Who may read a file."""

    ROOT = auto()
    """Whoever writes it; the service gets a copy from systemd."""
    GATEWAY = auto()
    ALL = auto()


@dataclass(frozen=True, slots=True)
class NewFile:
    """What is to stand in a file, and for whose eyes."""

    content: bytes
    whose: Whose = Whose.GATEWAY


def put(files: Mapping[Path, NewFile]) -> list[Path]:
    """Write all of them aside, and only then move all in place; the copies kept of former ones.

    What is there already and the same stays untouched.

    Raises:
        GatewayError: they cannot be written; nothing has changed.
    """
    wanted = {path: new for path, new in files.items() if not holds(path, new.content)}
    aside = {path: path.with_name(f".{path.name}.new") for path in wanted}
    try:
        with _undisturbed():
            for path, new in wanted.items():
                _write(aside[path], new.content)
                if new.whose is Whose.GATEWAY:
                    give(aside[path])
                elif new.whose is Whose.ALL:
                    aside[path].chmod(0o644)
            kept = [copy for path in wanted if (copy := keep(path))]
            for path in wanted:
                aside[path].replace(path)
            sync(path.parent for path in wanted)
    except OSError as error:
        raise GatewayError(f"cannot write {error.filename}: {error.strerror}") from error
    finally:
        for each in aside.values():
            with suppress(OSError):
                each.unlink()
    return kept


def overwrite(path: Path, content: bytes) -> None:
    """Let `path` hold this, whole and durable, and keep nothing of what it held.

    Asks nothing of the file system that one on a stick cannot do.

    Raises:
        GatewayError: it cannot be written; nothing has changed.
    """
    aside = path.with_name(f".{path.name}.new")
    try:
        with _undisturbed():
            _write(aside, content)
            aside.replace(path)
            sync([path.parent])
    except OSError as error:
        raise GatewayError(f"cannot write {path}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            aside.unlink()


def keep(path: Path) -> Path | None:
    """Keep the file that is there under another name too; None if there is none."""
    if not path.exists():
        return None
    copy = free_name(path, f"{path.name}.former-")
    os.link(path, copy)
    return copy


def free_name(path: Path, start: str) -> Path:
    """The first name beside ``path`` that begins so and has a number that is free."""
    number = 1
    while (found := path.with_name(f"{start}{number}")).exists():
        number += 1
    return found


def make_directory(path: Path, mode: int) -> None:
    """Make ``path`` if it is not there, readable for the gateway.

    Raises:
        GatewayError: it cannot be made, or written in.
    """
    try:
        if not path.is_dir():
            path.mkdir(mode=mode, parents=True)
            give(path)
    except OSError as error:
        raise GatewayError(f"cannot make the directory {path}: {error.strerror}") from error
    if not os.access(path, os.W_OK):
        raise GatewayError(f"{path} may not be written by this user: run it with sudo")


def give(path: Path) -> None:
    """Let the gateway's user own it, where there is one and we may."""
    if os.geteuid() == 0:
        try:
            user = pwd.getpwnam(SERVICE_USER)
        except KeyError:  # a checkout, or a container: it runs as root
            return
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def sync(directories: Iterable[Path]) -> None:
    """Make names durable."""
    for directory in set(directories):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:  # what some file systems of sticks answer
                raise
        finally:
            os.close(descriptor)


def holds(path: Path, content: bytes) -> bool:
    """Whether this is what stands in the file."""
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _write(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C waits: it comes before everything or after it."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)

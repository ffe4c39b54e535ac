"""What was taken out of the gate by stick: marks in a file beside the journal, not in it.

Whoever takes records out writes it, the gateway only reads it: the database has one owner, who is
held up by nobody. A mark confirms nothing. It says that the centre may have these records already:
it is asked before they are sent again.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from msgspec import DecodeError, Struct, ValidationError
from msgspec.json import Decoder, Encoder

from gateway.errors import GatewayError
from gateway.ranges import Range, Ranges


class Mark(Struct, frozen=True):
    """A file on a stick, and which records are in it."""

    at: str
    """When, RFC 3339, by the gateway's clock."""
    by: str
    """The user."""
    to: str
    """The folder on the stick, as it was mounted."""
    sha256: str
    """Of the file."""
    epoch: str
    ranges: list[Range]


_encoder = Encoder()
_decoder = Decoder(Mark)


class Exports:
    """The marks beside the journal `path`."""

    def __init__(self, path: Path) -> None:
        self._file = path.with_name(f"{path.name}.exports")

    def marks(self) -> list[Mark]:
        """All of them; none where there is no such file. A line that was cut short is none."""
        found = []
        with suppress(OSError):
            for line in self._file.read_bytes().splitlines():
                with suppress(DecodeError, ValidationError, UnicodeDecodeError):
                    found.append(_decoder.decode(line))
        return found

    def of(self, epoch: str) -> Ranges:
        """The numbers of this life that have been taken out, to whichever stick."""
        return Ranges.of(
            each for mark in self.marks() if mark.epoch == epoch for each in mark.ranges
        )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else marks anything meanwhile.

        Raises:
            GatewayError: somebody does already, or the directory cannot be used.
        """
        with ExitStack() as opened:
            try:
                directory = os.open(self._file.parent, os.O_RDONLY | os.O_DIRECTORY)
                opened.callback(os.close, directory)
                fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise GatewayError("another export is under way; wait until it ends") from error
            except OSError as error:
                raise _unwritable(self._file, error) from error
            yield

    def keep(self, marks: Iterable[Mark]) -> None:
        """Let these be all marks there are; durable when this returns.

        Raises:
            GatewayError: the former ones still count.
        """
        half = self._file.with_name(f"{self._file.name}.new")
        try:
            half.unlink(missing_ok=True)
            with _opened(half, os.O_CREAT | os.O_EXCL) as file:
                for mark in marks:
                    file.write(_encoder.encode(mark) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            half.replace(self._file)
        except OSError as error:
            raise _unwritable(self._file, error) from error

    def add(self, mark: Mark) -> None:
        """One more mark; durable when this returns.

        Raises:
            GatewayError: it may not be.
        """
        try:
            with _opened(self._file, os.O_CREAT | os.O_APPEND) as file:
                file.write(_encoder.encode(mark) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _unwritable(self._file, error) from error


def _opened(path: Path, flags: int) -> BinaryIO:
    """The file, to be written: as a rule by root, and for the gateway, which has to read it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | flags, 0o640)
    if os.geteuid() == 0:
        place = path.parent.stat()
        os.fchown(descriptor, place.st_uid, place.st_gid)
        os.fchmod(descriptor, 0o640)  # whatever root's umask is
    return os.fdopen(descriptor, "wb")


def _unwritable(path: Path, error: OSError) -> GatewayError:
    return GatewayError(
        f"what is exported cannot be marked in {path}: {error.strerror};"
        " run this as root or as the gateway's own user"
    )

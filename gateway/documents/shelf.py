"""The documents on the disk: one file for each name, replaced as a whole or not at all."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import DecodeError, Struct
from msgspec.json import Decoder, Encoder

from gateway import durably
from gateway.documents.document import Document, DocumentError

Members = dict[str, Any]
"""A document as it came."""


class Kept(Struct, omit_defaults=True):
    """Of one name."""

    current: Members | None = None
    former: Members | None = None
    pending: Members | None = None
    """What will be in force from a time on that has not come."""
    highest: str | None = None
    """The highest version that was ever in force: no lower one is taken."""


_encoder = Encoder()
_decoder = Decoder(Kept)


class Shelf:
    """In `directory`, which is made with the first document."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def incoming(self) -> Path:
        """Where documents are laid by hand."""
        return self._directory / "incoming"

    def make(self) -> None:
        """Have the directories.

        Raises:
            DocumentError: they cannot be made.
        """
        try:
            self.incoming.mkdir(mode=0o750, parents=True, exist_ok=True)
        except OSError as error:
            raise DocumentError(f"there is no place for it: {error.strerror}") from error

    def load(self, name: str) -> Kept:
        """What is kept of `name`.

        Raises:
            DocumentError: it cannot be read; or it is damaged, and has been set aside.
        """
        path = self._path(name)
        try:
            kept = _decoder.decode(path.read_bytes())
            for members in filter(None, (kept.current, kept.former, kept.pending)):
                Document.of(members)
        except FileNotFoundError:
            return Kept()
        except OSError as error:
            raise DocumentError(f"{path} cannot be read: {error.strerror}") from error
        except (DecodeError, UnicodeDecodeError, RecursionError, DocumentError) as error:
            with suppress(OSError):
                path.replace(path.with_suffix(".damaged"))
            raise DocumentError(f"{path.name} was damaged, and is set aside: {error}") from error
        return kept

    def save(self, name: str, kept: Kept) -> None:
        """Keep this of `name`, in the place of what there was.

        Raises:
            DocumentError: it cannot be; what there was is unchanged.
        """
        self.make()
        try:
            durably.write(self._path(name), _encoder.encode(kept))
        except OSError as error:
            raise DocumentError(f"it cannot be kept: {error.strerror}") from error

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.json"

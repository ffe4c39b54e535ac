"""What the decisions remember, in a file: how far they had come, and what they knew then."""

import logging
from collections.abc import Mapping
from pathlib import Path

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder, Encoder

from gateway import durably

_log = logging.getLogger(__name__)

_encoder = Encoder()


class Memory(Struct, frozen=True):
    """What was known when all up to an event had been taken in."""

    epoch: str
    """The journal's life."""
    seq: int
    machines: dict[str, Raw]
    """By name, each in its own form."""


_decoder = Decoder(Memory)


def load(path: Path) -> Memory | None:
    """What is kept in `path`; None if that is nothing, or of no use."""
    try:
        return _decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, DecodeError, UnicodeDecodeError, RecursionError) as error:
        _log.warning("%s is of no use; the decisions begin anew from the journal: %s", path, error)
        return None


def keep(path: Path, epoch: str, seq: int, machines: Mapping[str, Raw]) -> None:
    """Have all of it in `path`, durable.

    Raises:
        OSError: it cannot be written; what was there is unchanged.
    """
    durably.write(path, _encoder.encode(Memory(epoch, seq, dict(machines))))

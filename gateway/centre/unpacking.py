"""What a message holds: JSON, plain or compressed; what cannot be read is nothing."""

import zlib
from importlib import import_module
from typing import Any

from pydantic_core import from_json

from gateway.uplink.packing import zstd_here

_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_GZIP_WINDOW = 31  # zlib's number for "with a gzip header"
_LARGEST_MESSAGE = 16 << 20
"""After decompression; a batch is 500 events of some hundred bytes."""


def accepted_encodings() -> list[str]:
    """The encodings of batches that can be read here."""
    return ["gzip", "zstd"] if zstd_here() else ["gzip"]


def decode(payload: bytes) -> Any:
    """The JSON document in `payload`, compressed or plain; None if there is none."""
    try:
        if payload.startswith(_GZIP_MAGIC):
            payload = _gunzip(payload)
        elif payload.startswith(_ZSTD_MAGIC):
            payload = _unzstd(payload)
        return from_json(payload, allow_inf_nan=False)
    except (ValueError, zlib.error):
        return None


def _gunzip(payload: bytes) -> bytes:
    inflater = zlib.decompressobj(_GZIP_WINDOW)
    plain = inflater.decompress(payload, _LARGEST_MESSAGE)
    if not inflater.eof:
        raise ValueError("cut short, or too large")
    return plain


def _unzstd(payload: bytes) -> bytes:
    try:
        zstandard = import_module("zstandard")
    except ModuleNotFoundError as error:
        raise ValueError("nobody asked for zstd") from error
    # The size that the frame states proves nothing: read as much as is allowed, and a byte more.
    with zstandard.ZstdDecompressor().stream_reader(payload) as reader:
        try:
            plain: bytes = reader.read(_LARGEST_MESSAGE + 1)
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from error
    if len(plain) > _LARGEST_MESSAGE:
        raise ValueError("too large")
    return plain

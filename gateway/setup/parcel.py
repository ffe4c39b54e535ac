"""What makes a box this gate: its configuration, the files that names, its key; sealed or open.

A sealed parcel is a string of bytes, the same in a file and in a provisioning code::

    "CG"  format  kind  salt     body                                     check
    2     1       1     16 or 0  deflated MessagePack, perhaps encrypted  8

``format`` is 1. ``kind`` is 0 for an open parcel, which has no salt, and 1 for one encrypted by
ChaCha20-Poly1305 under a key that scrypt makes of passphrase and salt, with all that stands before
the body as associated data. ``check`` is the beginning of SHA-256 over all before it: it tells
what was damaged on its way from a wrong passphrase.
"""

import hashlib
import os
import zlib
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from gateway.errors import GatewayError

_MAGIC: Final = b"CG"
_FORMAT: Final = 1
_OPEN, _ENCRYPTED = 0, 1
_HEAD_BYTES: Final = len(_MAGIC) + 2
_SALT_BYTES: Final = 16
_CHECK_BYTES: Final = 8
_KEY_BYTES: Final = 32
_NONCE: Final = bytes(12)
"""Each salt, and so each key, encrypts one parcel only."""
_COST: Final = {"n": 2**16, "r": 8, "p": 2}
"""64 MiB and 0.3 s: as much as OWASP's password storage advice asks of scrypt."""
_LARGEST: Final = 1 << 20
"""Bytes, unpacked. A configuration may have 128 KiB; certificates have some."""

LEAST_PASSPHRASE: Final = 8
"""Characters; scrypt makes guessing dear, not impossible."""


class Parcel(msgspec.Struct, frozen=True):
    """One gate. No content of it is shown by ``repr``: there are secrets among it."""

    gateway: str
    """The gateway's id."""
    config: str
    """The configuration as TOML."""
    files: dict[str, bytes]
    """What it names in its options ``…_file``, by the name there."""
    key: bytes | None = None
    """The key for pseudonyms; without it the same code gets another token than before."""

    def __repr__(self) -> str:
        return f"<parcel of {self.gateway}>"


class ParcelError(GatewayError):
    """This is no parcel that can be opened; the sentence says why."""


class PassphraseError(ParcelError):
    """It needs a passphrase, or another one."""


def seal(parcel: Parcel, passphrase: str | None) -> bytes:
    """``parcel`` as bytes, encrypted if there is a ``passphrase``.

    Raises:
        PassphraseError: it is too short.
    """
    packed = zlib.compress(msgspec.msgpack.encode(parcel), 9)
    if passphrase is None:
        whole = _MAGIC + bytes((_FORMAT, _OPEN)) + packed
        return whole + _check(whole)
    if len(passphrase) < LEAST_PASSPHRASE:
        raise PassphraseError(
            f"the passphrase has {len(passphrase)} characters; expected {LEAST_PASSPHRASE} or more"
        )
    head = _MAGIC + bytes((_FORMAT, _ENCRYPTED)) + os.urandom(_SALT_BYTES)
    whole = head + _cipher(passphrase, head).encrypt(_NONCE, packed, head)
    return whole + _check(whole)


def is_encrypted(sealed: bytes) -> bool:
    """Whether a passphrase is needed to open it.

    Raises:
        ParcelError: it is no parcel, of a format that is not known, or damaged.
    """
    if not sealed.startswith(_MAGIC) or len(sealed) < _HEAD_BYTES:
        raise ParcelError("this is no backup and no provisioning code of a checkpoint-gateway")
    form, kind = sealed[len(_MAGIC) : _HEAD_BYTES]
    if form > _FORMAT or kind not in (_OPEN, _ENCRYPTED):
        raise ParcelError(
            f"the backup or code was made by a newer program (format {form}.{kind}; this one reads"
            f" {_FORMAT}): install that program here first"
        )
    if _check(sealed[:-_CHECK_BYTES]) != sealed[-_CHECK_BYTES:]:
        raise ParcelError(
            "the backup or code is damaged or incomplete: its check value does not fit"
        )
    return kind == _ENCRYPTED


def unseal(sealed: bytes, passphrase: str | None) -> Parcel:
    """What was sealed.

    Raises:
        PassphraseError: the passphrase is missing or wrong.
        ParcelError: it is no parcel, of a format that is not known, or damaged.
    """
    packed = sealed[_HEAD_BYTES:-_CHECK_BYTES]
    if is_encrypted(sealed):
        if passphrase is None:
            raise PassphraseError("the backup or code is encrypted: its passphrase is needed")
        head, body = sealed[: _HEAD_BYTES + _SALT_BYTES], packed[_SALT_BYTES:]
        try:
            packed = _cipher(passphrase, head).decrypt(_NONCE, body, head)
        except InvalidTag as error:
            raise PassphraseError("the passphrase is wrong") from error
    try:
        return msgspec.msgpack.decode(_inflated(packed), type=Parcel)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise ParcelError(f"the content of the backup or code makes no sense: {error}") from error


def _check(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:_CHECK_BYTES]


def _cipher(passphrase: str, head: bytes) -> ChaCha20Poly1305:
    salt = head[_HEAD_BYTES:]
    return ChaCha20Poly1305(Scrypt(salt, _KEY_BYTES, **_COST).derive(passphrase.encode()))


def _inflated(packed: bytes) -> bytes:
    inflating = zlib.decompressobj()
    data = inflating.decompress(packed, _LARGEST)
    if not inflating.eof:
        raise ParcelError(
            f"the backup or code is incomplete, or larger than {_LARGEST >> 10} KiB unpacked"
        )
    return data

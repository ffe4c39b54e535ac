"""Sealing: only the right key opens it, and keys are files that nobody overwrites."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from gateway import seal
from gateway.errors import GatewayError

OWN = X25519PrivateKey.generate()


def test_only_what_was_sealed_opens() -> None:
    closed = seal.seal_to(OWN.public_key())
    message = closed.close(b"36.4", b"context")
    assert len(message) == len(b"36.4") + seal.OVERHEAD_BYTES
    assert seal.unseal(message, b"context", closed.sender, OWN) == b"36.4"
    other = X25519PrivateKey.generate()
    for wrong in (
        (message[:-1] + bytes([message[-1] ^ 1]), b"context", closed.sender, OWN),
        (message, b"another", closed.sender, OWN),
        (message, b"context", closed.sender, other),
        (message, b"context", other.public_key().public_bytes_raw().hex(), OWN),
        (message, b"context", "00" * 32, OWN),  # the point at which everybody agrees
        (b"", b"context", closed.sender, OWN),
    ):
        with pytest.raises(seal.SealError, match="altered"):
            seal.unseal(*wrong)


def test_the_files_are_such_as_openssl_makes(tmp_path: Path) -> None:
    private, public = tmp_path / "centre.key", tmp_path / "centre.pem"
    name = seal.make_keys(private, public)
    assert private.stat().st_mode & 0o777 == 0o600
    assert seal.name_of(seal.read_public(public)) == name
    assert seal.name_of(seal.read_private(private).public_key()) == name
    command = ("openssl", "pkey", "-in", private, "-pubout")
    shown = subprocess.run(command, capture_output=True, check=True)
    assert shown.stdout == public.read_bytes()


def test_what_is_no_key_ends_in_a_sentence(tmp_path: Path) -> None:
    private, public = tmp_path / "centre.key", tmp_path / "centre.pem"
    seal.make_keys(private, public)
    with pytest.raises(GatewayError, match="never overwritten"):
        seal.make_keys(private, public)
    for read, wrong in ((seal.read_public, private), (seal.read_private, public)):
        with pytest.raises(GatewayError, match="no X25519"):
            read(wrong)
        with pytest.raises(GatewayError, match="cannot be read"):
            read(tmp_path / "nowhere")

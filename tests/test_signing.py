"""What the centre signs: the examples of the contract, and keys on the disk."""

import json
import logging
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from gateway import seal
from gateway.canonical import canonical, read
from gateway.documents.document import Document, signed_part
from gateway.errors import GatewayError
from gateway.signing import (
    Keyring,
    Purpose,
    make_keys,
    read_private,
    read_public,
    sign,
    signed_bytes,
)
from tests.signers import GATEWAY, KEY, STRANGER, keyring, public_file

CONTRACT = (Path(__file__).parents[1] / "docs" / "mqtt.md").read_text()


def example(heading: str) -> tuple[dict[str, Any], bytes]:
    """The first example under `heading`, and what is signed of it."""
    section = CONTRACT.partition(f"\n## {heading}\n")[2]
    members, signed = re.findall(r"```(?:json)?\n(.*?)\n```", section, re.DOTALL)[:2]
    return read(members.encode(), most_bytes=10_000), signed.encode()


def test_the_order_in_the_contract_is_right() -> None:
    order, signed = example("Orders")
    meant = {**order, "gateway": GATEWAY}
    assert signed_bytes(Purpose.COMMAND, meant) == signed
    assert keyring().signer(Purpose.COMMAND, meant) == "0"
    assert sign(Purpose.COMMAND, meant, KEY)["signature"] == order["signature"]


def test_the_document_in_the_contract_is_right() -> None:
    document, signed = example("Documents")
    assert signed_bytes(Purpose.DOCUMENT, signed_part(document)) == signed
    assert keyring().signer(Purpose.DOCUMENT, signed_part(document)) == "0"
    assert Document.of(document).contents() == document["body"]
    assert canonical(document["body"]).decode() in CONTRACT


def test_one_purpose_never_passes_for_the_other() -> None:
    statement = sign(Purpose.DOCUMENT, {"name": "policy"}, KEY)
    assert keyring().signer(Purpose.DOCUMENT, statement) == "0"
    assert keyring().signer(Purpose.COMMAND, statement) is None


def test_keys_are_read_and_what_is_none_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    good = [
        public_file(tmp_path / f"{name}.pem", key) for name, key in (("a", KEY), ("b", STRANGER))
    ]
    (tmp_path / "noise.pem").write_text("noise")
    seal.make_keys(tmp_path / "other.key", tmp_path / "other.pem")
    wrong = [tmp_path / name for name in ("noise.pem", "other.pem", "missing.pem")]
    keys = Keyring.read([*wrong, *good])
    assert keys.signer(Purpose.COMMAND, sign(Purpose.COMMAND, {"id": "1"}, STRANGER)) == "b"
    assert len(caplog.messages) == 3
    assert not Keyring.read(wrong)


def test_a_new_pair_belongs_together_and_the_private_half_is_private(tmp_path: Path) -> None:
    private, public = tmp_path / "sign.key", tmp_path / "sign.pem"
    make_keys(private, public)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    signed = sign(Purpose.COMMAND, {"id": "1"}, read_private(private))
    assert Keyring({"new": read_public(public)}).signer(Purpose.COMMAND, signed) == "new"
    with pytest.raises(GatewayError, match="is never overwritten"):
        make_keys(private, public)
    with pytest.raises(GatewayError, match="no Ed25519 private key"):
        read_private(public)
    with pytest.raises(GatewayError, match="no Ed25519 public key"):
        read_public(private)
    with pytest.raises(GatewayError, match="cannot be read"):
        read_private(tmp_path / "missing")


def test_the_example_is_json_for_everybody() -> None:
    order, _ = example("Orders")
    assert json.loads(json.dumps(order)) == order

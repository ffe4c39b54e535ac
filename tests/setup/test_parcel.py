"""The sealed parcel in its two coats: what goes in comes out, and nothing else passes for one."""

import base64
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.setup import coats, pictures
from gateway.setup.parcel import (
    Parcel,
    ParcelError,
    PassphraseError,
    is_encrypted,
    seal,
    unseal,
)

PASSPHRASE = "under the third stone"
GATE = Parcel("410102011003007", '[gateway]\nid = "…"\n', {"password": b"hush"}, bytes(range(32)))

parcels = st.builds(
    Parcel,
    gateway=st.text(max_size=32),
    config=st.text(max_size=500),
    files=st.dictionaries(st.text(max_size=40), st.binary(max_size=200), max_size=4),
    key=st.none() | st.binary(max_size=40),
)


@given(parcels)
def test_what_goes_in_comes_out(parcel: Parcel) -> None:
    sealed = seal(parcel, None)
    assert not is_encrypted(sealed)
    assert unseal(coats.from_code(coats.as_code(sealed)), None) == parcel


@given(parcels, st.text(min_size=8, max_size=40))
@settings(max_examples=2, deadline=None)
def test_with_a_passphrase_nothing_shows(parcel: Parcel, passphrase: str) -> None:
    sealed = seal(parcel, passphrase)
    assert is_encrypted(sealed)
    assert unseal(sealed, passphrase) == parcel


def test_an_encrypted_one_has_nothing_in_clear_and_is_never_the_same() -> None:
    first, second = seal(GATE, PASSPHRASE), seal(GATE, PASSPHRASE)
    assert first[4:20] != second[4:20]
    assert first[20:] != second[20:]
    assert b"410102" not in first
    assert "hush" not in repr(GATE)


def test_a_wrong_passphrase_is_told_from_damage() -> None:
    sealed = seal(GATE, PASSPHRASE)
    with pytest.raises(PassphraseError, match="passphrase is wrong"):
        unseal(sealed, "under the second stone")
    with pytest.raises(PassphraseError, match="passphrase is needed"):
        unseal(sealed, None)
    with pytest.raises(ParcelError, match="damaged or incomplete"):
        unseal(sealed[:-1], PASSPHRASE)


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(PassphraseError, match="has 7 characters; expected 8 or more"):
        seal(GATE, "1234567")


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_cut_off_anywhere_it_is_refused(passphrase: str | None) -> None:
    sealed = seal(GATE, passphrase)
    for length in range(len(sealed)):
        with pytest.raises(ParcelError):
            unseal(sealed[:length], passphrase)


@given(st.data())
def test_a_changed_bit_is_noticed(data: st.DataObject) -> None:
    sealed = bytearray(seal(GATE, None))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ParcelError):
        unseal(bytes(sealed), None)


@given(st.binary(max_size=300))
def test_what_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(ParcelError):
        unseal(data, None)
    with pytest.raises(ParcelError):
        unseal(b"CG\1\0" + data, None)


def test_a_newer_format_says_so() -> None:
    with pytest.raises(ParcelError, match=r"newer program \(format 2.0; this one reads 1\)"):
        unseal(b"CG\2\0whatever it is", None)


def test_what_would_unpack_to_more_than_a_gate_is_refused() -> None:
    huge = Parcel("1", "x" * (2 << 20), {})
    with pytest.raises(ParcelError, match="larger than 1024 KiB"):
        unseal(seal(huge, None), None)


class TestCode:
    def test_as_it_is_typed(self) -> None:
        sealed = seal(GATE, None)
        code = coats.as_code(sealed)
        groups = "-".join(code[at : at + 5] for at in range(0, len(code), 5))
        assert coats.from_code(f"  {groups.lower()[:40]} \n {groups[40:]}") == sealed

    @pytest.mark.parametrize(
        ("code", "told"),
        [
            ("", "does not begin with CG1:"),
            ("HTTP://EXAMPLE.ORG", "does not begin with CG1:"),
            ("CG1:AAAA8", "other than A to Z and 2 to 7"),
            ("CG1:A", "one too few or too many"),
            ("CG1:ÄÄÄÄÄÄÄÄ", "other than A to Z and 2 to 7"),
        ],
    )
    def test_what_is_none(self, code: str, told: str) -> None:
        with pytest.raises(ParcelError, match=told):
            coats.from_code(code)

    def test_a_whole_picture_of_it_is_read(self, tmp_path: Path) -> None:
        longest = coats.PREFIX + base64.b32encode(bytes(range(256)) * 5).decode()
        picture = tmp_path / "code.png"
        for length in (1451, pictures.LONGEST):
            picture.write_bytes(pictures.as_picture(longest[:length]))
            assert pictures.seen(str(picture)) == longest[:length]
        with pytest.raises(ParcelError, match="1854 characters; 1853 fit"):
            pictures.as_picture(longest[: pictures.LONGEST + 1])

    def test_a_picture_without_one(self, tmp_path: Path) -> None:
        other = tmp_path / "other.png"
        other.write_bytes(pictures.as_picture("HTTP://EXAMPLE.ORG"))
        with pytest.raises(GatewayError, match="no provisioning code can be read"):
            pictures.seen(str(other))
        other.write_bytes(b"no picture")
        with pytest.raises(GatewayError, match="no picture that can be read"):
            pictures.seen(str(other))


class TestFile:
    def test_the_only_one_of_a_directory_is_found(self, tmp_path: Path) -> None:
        sealed = seal(GATE, None)
        file = tmp_path / coats.backup_name(GATE.gateway)
        file.write_bytes(coats.as_file(sealed))
        assert coats.from_file(tmp_path) == coats.from_file(file) == sealed
        assert file.read_bytes().splitlines()[0] == b"checkpoint-gateway backup"

    def test_none_or_several(self, tmp_path: Path) -> None:
        with pytest.raises(ParcelError, match="is it the right stick"):
            coats.from_file(tmp_path)
        for name in ("1", "2"):
            (tmp_path / coats.backup_name(name)).touch()
        with pytest.raises(ParcelError, match="has several backups, name one of them"):
            coats.from_file(tmp_path)

    def test_a_foreign_one(self, tmp_path: Path) -> None:
        file = tmp_path / "holiday.jpg"
        file.write_bytes(b"\xff\xd8\xff")
        with pytest.raises(ParcelError, match="is no backup of a checkpoint-gateway"):
            coats.from_file(file)
        with pytest.raises(ParcelError, match="cannot be read: No such file"):
            coats.from_file(tmp_path / "none")

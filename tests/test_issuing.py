"""`pass …`: a pass from its key to a printed card that is read and judged, and back."""

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers import qr
from gateway.cli import EXIT_FAILED, main
from gateway.clock import Clock
from gateway.errors import GatewayError
from gateway.events import Class, Verdict
from gateway.issuing import cards, code
from gateway.issuing.wanted import Wanted
from gateway.issuing.writing import Writing
from gateway.passes.document import load
from gateway.passes.judging import judge
from gateway.passes.trust import Judgement
from tests.passes.certifying import eu, smart
from tests.passes.issuing import RESIDENT, shown

Said = Callable[..., str]


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    """Runs `pass …` in a directory of its own, with `{}` for that; what it says."""

    def run(*words: str, fails: bool = False) -> str:
        code = main(["pass", *(each.replace("{}", str(tmp_path)) for each in words)])
        printed = capsys.readouterr()
        assert code == (EXIT_FAILED if fails else 0), printed.err
        return printed.err if fails else printed.out

    return run


@pytest.fixture
def issuer(said: Said) -> Said:
    """The same, where there is an issuer."""
    said(*KEYGEN, "--private", "{}/issuer.key", "--place", "410102/011/003")
    return said


KEYGEN = ("keygen", "--trust", "{}/passes.json", "--issuer", "410102-003")
ISSUE = ("issue", "--key", "{}/issuer.key", "--trust", "{}/passes.json")
ONE = (*ISSUE, "--kind", "resident", "--sub", "r-20418-2", "--until", "2099-06-30")
REVOKE = ("revoke", "--trust", "{}/passes.json", "--issuer", "410102-003")


def judged(directory: Path, text: bytes) -> Judgement:
    trust = load(directory / "passes.json").trust("410102/011/003/410102011003007")
    return judge(text, Clock().now(), trust)


def read(picture: Path) -> bytes:
    grey = cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE)
    [text] = qr.read(grey)  # type: ignore[arg-type]
    return text.encode()


def test_keys_are_for_their_owner_and_the_document_for_all(issuer: Said, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "issuer.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "passes.json").stat().st_mode) == 0o644
    [entry] = load(tmp_path / "passes.json").issuers
    assert (entry.name, entry.place, len(entry.keys)) == ("410102-003", "410102/011/003", 1)


def test_a_second_key_is_added_beside_the_first(issuer: Said, tmp_path: Path) -> None:
    issuer(*ONE, "-o", "{}/old.txt")
    issuer(*KEYGEN, "--private", "{}/next.key")
    issuer(*(each.replace("issuer.key", "next.key") for each in ONE), "-o", "{}/new.txt")
    for name in ("old.txt", "new.txt"):
        text = (tmp_path / name).read_bytes().strip()
        assert judged(tmp_path, text).verdict is Verdict.VALID


def test_nothing_is_overwritten_or_half_done(issuer: Said, tmp_path: Path) -> None:
    before = (tmp_path / "passes.json").read_bytes()
    told = issuer(*KEYGEN, "--private", "{}/issuer.key", fails=True)
    assert "issuer.key exists; a key is never overwritten" in told
    told = issuer(*KEYGEN[:-1], "another", "--private", "{}/other.key", fails=True)
    assert "where may it issue passes? --place" in told
    told = issuer(*KEYGEN, "--private", "{}/absent/other.key", fails=True)
    assert "cannot be written: No such file or directory" in told
    assert (tmp_path / "passes.json").read_bytes() == before
    assert not (tmp_path / "other.key").exists()


def test_a_key_that_others_can_read_is_not_used(issuer: Said, tmp_path: Path) -> None:
    (tmp_path / "issuer.key").chmod(0o640)
    assert "first: chmod 600" in issuer(*ONE, "-o", "{}/card.txt", fails=True)


def test_a_card_is_read_and_good_and_fits(issuer: Said, tmp_path: Path) -> None:
    told = issuer(*ONE, "--name", "张三", "-o", "{}/card.png")
    assert re.search(r"resident r-20418-2: number \w{12}, \d+ characters, QR version [78]-", told)
    found = judged(tmp_path, read(tmp_path / "card.png"))
    assert (found.class_, found.verdict) == (Class.RESIDENT, Verdict.VALID)


def test_what_is_printed_is_not_in_the_code_s_text(issuer: Said, tmp_path: Path) -> None:
    issuer(*ONE, "--name", "Zhang San", "-o", "{}/card.png")
    told = issuer("inspect", "--show-claims", "{}/card.png")
    assert "r-20418-2" in told
    assert "Zhang" not in told


def test_a_drawing_has_the_code_the_name_and_room_for_a_photo(issuer: Said, tmp_path: Path) -> None:
    issuer(*ONE, "--name", "<张三> & Co", "-o", "{}/card.svg")
    drawing = (tmp_path / "card.svg").read_text()
    for part in ("<svg", "<path", "&lt;张三&gt; &amp; Co", "居民通行证 Resident", "2099-06-30"):
        assert part in drawing
    assert drawing.count("<rect") == 2


TABLE = """\
kind,sub,until,name,from,place,role,registered
resident,r-1,2099-01-01,王小明,,,,
visitor,v-2,2099-01-01T12:00+08:00,Ана,2026-01-01,410102/011/003/410102011003007,,yes
admission,a-3,2099-01-01,,,,,
staff,g-4,2099-01-01,欧阳娜娜,,,guard,
"""


def test_many_are_issued_by_a_table(issuer: Said, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("\ufeff" + TABLE)
    issuer(*ISSUE, "--list", "{}/people.csv", "-o", "{}/codes.txt")
    codes = (tmp_path / "codes.txt").read_bytes().splitlines()
    found = [judged(tmp_path, each) for each in codes]
    kinds = [Class.RESIDENT, Class.VISITOR, Class.ADMISSION, Class.STAFF]
    assert [each.class_ for each in found] == kinds
    assert {each.verdict for each in found} == {Verdict.VALID}
    assert (found[1].registered, found[3].role) == (True, "guard")
    told = issuer(*ISSUE, "--list", "{}/people.csv", "-o", "{}/cards.pdf")
    assert told.count("QR version 8") == 4
    assert (tmp_path / "cards.pdf").read_bytes().startswith(b"%PDF")


def test_every_card_of_a_sheet_is_read() -> None:
    texts = [shown(number=bytes([number]) * 6) for number in range(12)]
    made = [cards.Card(Wanted(RESIDENT, "张三"), code.drawn(text)) for text in texts]
    pages = cards.sheets(made, Writing.of(["张三居民通行证有效期至"], None))
    assert [page.size for page in pages] == [(2480, 3508)] * 2
    first = np.asarray(pages[0].convert("L"))
    found = set()
    for row in range(5):
        for column in range(2):
            part = first[
                160 + row * 637 : 800 + row * 637, 228 + column * 1011 : 1240 + column * 1011
            ]
            found |= {*qr.read(np.ascontiguousarray(part))}
    assert found == {text.decode() for text in texts[:10]}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--until", "tomorrow"), "until: expected a day, as 2026-06-30"),
        (("--until", "2020-01-01"), "until: that is over before the pass begins"),
        (("--from", "2099-12-31"), "until: that is over before the pass begins"),
        (("--until", "9999-12-31"), "until: expected a day"),
        (("--role", "Guard of Honour"), "sub, place or role: no role"),
        (("--place", "here!"), "sub, place or role: no place"),
        (("--sub", ""), "sub is missing"),
        (("--sub", "x" * 64), "takes more than version 8; choose a shorter --sub"),
        (("--key", "{}/passes.json"), "chmod 600"),
        (("--key", "{}/absent"), "cannot be read: No such file"),
        (("--trust", "{}/absent"), "cannot be read: No such file"),
        (("--list", "{}/absent"), "cannot be read: No such file"),
        (("--font", "{}/absent"), "is no font that can be read"),
        (("--name", "\U0001fae8"), "install Debian's fonts-noto-cjk"),
        (("-o", "{}/card.doc"), "expected a name in .svg, .png, .pdf, .txt"),
        (("-o", "{}/absent/card.png"), "cannot be written: No such file"),
    ],
)
def test_what_cannot_be_issued_is_told(issuer: Said, more: tuple[str, ...], told: str) -> None:
    assert told in issuer(*ONE, "-o", "{}/card.png", *more, fails=True)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("kind,sub,untill\n", ":1: unknown column untill; there are from, kind, name"),
        ("kind,sub,until\nresident,r-1,2099-01-01\nking,k,2099-01-01\n", ":3: kind: expected one"),
        ("kind,sub,until\nresident,,2099-01-01\n", ":2: sub is missing"),
        ("kind,sub\nresident,r-1\n", ":2: until is missing"),
        ("kind,sub,until\n\xff", "it is no table in UTF-8"),
    ],
)
def test_a_mistake_in_a_table_has_its_line(
    issuer: Said, tmp_path: Path, table: str, told: str
) -> None:
    (tmp_path / "people.csv").write_text(table, encoding="latin-1")
    words = (*ISSUE, "--list", "{}/people.csv", "-o", "{}/cards.pdf")
    assert told in issuer(*words, fails=True)


def test_a_key_that_no_gate_knows_issues_nothing(issuer: Said, tmp_path: Path) -> None:
    other = load(tmp_path / "passes.json").issuers[0].model_dump(mode="json")
    other["keys"][0]["x"] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    (tmp_path / "passes.json").write_text(json.dumps({"issuers": [other]}))
    assert "the document does not know this key" in issuer(*ONE, "-o", "{}/a.txt", fails=True)


def test_a_pass_is_taken_back_by_its_number(issuer: Said, tmp_path: Path) -> None:
    told = issuer(*ONE, "-o", "{}/card.txt")
    found = re.search(r"number (\w+)", told)
    assert found
    issuer(*REVOKE, "--number", found[1].upper())
    issuer(*REVOKE, "--number", found[1])
    assert judged(tmp_path, (tmp_path / "card.txt").read_bytes().strip()).verdict is Verdict.REVOKED
    assert load(tmp_path / "passes.json").issuers[0].revoked.passes == [found[1]]


def test_all_that_somebody_has_is_taken_back(issuer: Said, tmp_path: Path) -> None:
    issuer(*ONE, "-o", "{}/card.txt")
    issuer(*REVOKE, "--sub", "r-20418-2")
    issuer(*REVOKE, "--sub", "r-20418-2")
    assert judged(tmp_path, (tmp_path / "card.txt").read_bytes().strip()).verdict is Verdict.REVOKED
    assert len(load(tmp_path / "passes.json").issuers[0].revoked.subjects) == 1


def test_what_cannot_be_taken_back_is_told(issuer: Said) -> None:
    assert "expected 4 to 16 bytes" in issuer(*REVOKE, "--number", "xyz", fails=True)
    told = issuer(*REVOKE[:-1], "nobody", "--sub", "r", fails=True)
    assert "nobody is not in" in told


def test_a_code_is_told_in_words_and_nothing_of_what_it_says(issuer: Said) -> None:
    issuer(*ONE, "-o", "{}/card.txt")
    place = ("--place", "410102/011/003/1")
    told = issuer("inspect", "--trust", "{}/passes.json", *place, "{}/card.txt")
    assert told.splitlines()[0].startswith("form     a pass of ours: CWT in Base45, COSE_Sign1, ")
    assert "verdict  valid: good here and now" in told
    assert "r-20418-2" not in told
    elsewhere = issuer("inspect", "--trust", "{}/passes.json", "{}/card.txt")
    assert "not-here: genuine; meant for another place" in elsewhere
    unknown = issuer("inspect", "{}/card.txt")
    assert "verdict  opaque: judged by nobody" in unknown


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (eu(), "an EU health certificate: HC1"),
        (smart(), "a SMART Health Card"),
        (b"shc:/1/2/00", "part     1 of 2"),
        (b"HC1:damaged", "an EU health certificate: HC1"),
        (b"CG1:damaged", "unreadable: "),
        (b"anything \x1b[31mred\nline", "no form that is known here"),
    ],
    ids=["eu", "shc", "part", "damaged", "ours", "any"],
)
def test_each_form_is_told_and_shown_without_harm(
    said: Said, tmp_path: Path, text: bytes, form: str
) -> None:
    (tmp_path / "code").write_bytes(text)
    told = said("inspect", "--show-claims", "{}/code")
    assert form in told
    assert "\x1b" not in told


def test_a_picture_without_a_code_is_told(said: Said, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "white.png"), np.full((100, 100), 255, np.uint8))
    assert "no code was found on" in said("inspect", "{}/white.png", fails=True)
    (tmp_path / "torn.png").write_bytes(b"PNG")
    assert "is no picture that can be read" in said("inspect", "{}/torn.png", fails=True)
    assert "cannot be read: No such file" in said("inspect", "{}/absent", fails=True)


def test_a_code_that_says_too_much_is_refused() -> None:
    with pytest.raises(GatewayError, match="a code of 400 characters takes more than version 8"):
        code.drawn(b"A" * 400)

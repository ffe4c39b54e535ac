"""The log as it comes out of a process: for a terminal, and for systemd's journal."""

import os
import re
import subprocess
import sys
from pathlib import Path

SPEAK = """
import logging, warnings
from gateway import log
log.set_up(verbose={verbose})
speaker = logging.getLogger("gateway.speaker")
speaker.debug("detail %s", b"\\x01".hex())
speaker.info("usual")
speaker.warning("two\\nlines")
warnings.warn("a library is unhappy", stacklevel=1)
try:
    1 / 0
except ZeroDivisionError:
    speaker.exception("bug")
"""


def spoken(
    errors: Path, *, verbose: bool = False, journal: str | None = None, speak: str = SPEAK
) -> list[str]:
    with errors.open("w") as stderr:
        status = os.fstat(stderr.fileno())
        stream = journal or f"{status.st_dev}:{status.st_ino}"
        subprocess.run(
            [sys.executable, "-c", speak.format(verbose=verbose)],
            stderr=stderr,
            env={**os.environ, "JOURNAL_STREAM": stream},
            timeout=60,
            check=True,
        )
    return errors.read_text().splitlines()


def test_a_terminal_gets_time_and_level(tmp_path: Path) -> None:
    lines = spoken(tmp_path / "log", journal="1:1")
    assert re.fullmatch(r"\d\d:\d\d:\d\d INFO    gateway\.speaker: usual", lines[0])
    assert not [line for line in lines if "detail" in line]


def test_verbose_shows_details(tmp_path: Path) -> None:
    lines = spoken(tmp_path / "log", verbose=True, journal="1:1")
    assert lines[0].endswith("DEBUG   gateway.speaker: detail 01")


def test_the_journal_gets_each_record_on_one_line_with_its_priority_and_no_time(
    tmp_path: Path,
) -> None:
    lines = spoken(tmp_path / "log")
    assert lines[:2] == ["<6>gateway.speaker: usual", "<4>gateway.speaker: two | lines"]
    assert all(re.match(r"<[346]>\w", line) for line in lines)
    [bug] = [line for line in lines if "Traceback" in line]
    assert bug.startswith("<3>gateway.speaker: bug | Traceback (most recent call last): |   File")
    assert bug.endswith(" | ZeroDivisionError: division by zero")


def test_a_warning_of_a_library_is_logged(tmp_path: Path) -> None:
    assert any("a library is unhappy" in line for line in spoken(tmp_path / "log"))


def test_no_text_from_outside_forges_a_line_or_a_priority(tmp_path: Path) -> None:
    speak = SPEAK.replace('"two\\nlines"', '"a\\r<0>b\\x1b[31mc\\x85d\\u202ee\\tf"')
    lines = spoken(tmp_path / "log", speak=speak)
    assert lines[1] == "<4>gateway.speaker: a | <0>b�[31mc | d�e�f"


def test_of_what_the_journal_would_cut_the_middle_is_left_out(tmp_path: Path) -> None:
    speak = SPEAK.replace('"two\\nlines"', '"begin" + "中" * 30_000 + "end"')
    line = spoken(tmp_path / "log", speak=speak)[1]
    assert line.startswith("<4>gateway.speaker: begin中")
    assert line.endswith("中end")
    assert len(line.encode()) < 48 * 1024

"""The guide to writing a driver is true: its driver passes its own test, and its stanza loads."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import drivers
from gateway import configfile

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "drivers.md").read_text()
HEAD = """
gateway = { id = "1", district = "1", street = "1", community = "1" }
uplink = { host = "mqtt.example.org" }
"""
CONFTEST = """
import drivers
import drivers.emulators

drivers.__path__.append("{folder}/drivers")
drivers.emulators.__path__.append("{folder}/drivers/emulators")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The guide's files, as somebody would have written them."""
    files = re.findall(
        r"^\*\*`(.+?)`\*\*\n\n```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL
    )
    assert len(files) == 3
    for name, text in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "conftest.py").write_text(CONFTEST.format(folder=tmp_path))
    return tmp_path


def run(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_driver_passes_its_test(folder: Path) -> None:
    options = ("-q", "-p", "no:cacheprovider", "-c", "pyproject.toml", f"--rootdir={folder}")
    run("pytest", *options, str(folder))


def test_it_is_written_as_everything_here(folder: Path) -> None:
    own = ("--config", "pyproject.toml", "--no-cache", str(folder / "drivers"))
    run("ruff", "check", *own)
    run("ruff", "format", "--check", *own)


@pytest.fixture
def known(folder: Path) -> Iterator[Path]:
    drivers.__path__.append(str(folder / "drivers"))
    yield folder
    drivers.__path__.remove(str(folder / "drivers"))


def test_the_stanza_loads(known: Path) -> None:
    [stanza] = re.findall(r"^```toml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    file = known / "gateway.toml"
    file.write_text(HEAD + stanza)
    assert configfile.load(file).devices["side-door"].driver == "acme_door"

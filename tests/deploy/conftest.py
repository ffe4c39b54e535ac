"""An installation and a package, made once for all tests here, and without a network."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.deploy import wheels

ROOT = Path(__file__).parents[2]
APP = Path("opt/checkpoint-gateway")
NEEDED_FOR_HELP = (
    "annotated-types", "pydantic", "pydantic-core", "typing-extensions", "typing-inspection",
)  # fmt: skip


def script(name: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run one of the scripts in deploy/ with nothing in its environment but `environment`."""
    return subprocess.run(
        [ROOT / "deploy" / name],
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="session")
def offline(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings to install little of it, from wheels that are at hand, by locks of their own."""
    directory = tmp_path_factory.mktemp("offline")
    wheels.lock(["setuptools"], directory / "build.lock", directory)
    wheels.lock(NEEDED_FOR_HELP, directory / "requirements.lock", directory)
    python = os.path.realpath(sys.executable)
    return {
        "LOCKS": str(directory),
        "PYTHON3": python,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(directory),
    }


@pytest.fixture(scope="session")
def installed(offline: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree that the program has been installed in; not to be changed."""
    tree = tmp_path_factory.mktemp("installed")
    settings = {"DESTDIR": str(tree), "SOURCE_DATE_EPOCH": "1700000000"}
    done = script("install", {**offline, **settings})
    assert (done.returncode, done.stderr) == (0, "")
    return tree


@pytest.fixture(scope="session")
def package(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .deb made of it."""
    directory = tmp_path_factory.mktemp("dist")
    settings = {"TREE": str(installed), "DIST": str(directory), "PYTHON3": sys.executable}
    done = script("deb", {**settings, "SOURCE_DATE_EPOCH": "1700000000"})
    assert (done.returncode, done.stderr) == (0, "")
    (made,) = directory.iterdir()
    return made

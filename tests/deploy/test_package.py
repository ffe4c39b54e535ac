"""The Debian package: what dpkg will read in it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.deploy.conftest import APP, ROOT

pytestmark = pytest.mark.timeout(600)  # the first of them installs, on a machine that may be busy


def told(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def unpacked(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("unpacked")
    told("dpkg-deb", "--raw-extract", package, tree)
    return tree


def test_what_it_says_of_itself(package: Path) -> None:
    fields = told("dpkg-deb", "--field", package)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    minor = sys.version_info.minor
    assert f"Version: {version}\n" in fields
    assert f"Architecture: {told('dpkg', '--print-architecture')}" in fields
    assert f"python3 (>= 3.{minor}), python3 (<< 3.{minor + 1})" in fields
    assert "libzbar0" in fields
    assert package.name.startswith(f"checkpoint-gateway_{version}_")
    assert not re.search("@[A-Z]+@", fields)


def test_all_of_it_is_roots(package: Path) -> None:
    listing = told("dpkg-deb", "--contents", package).splitlines()
    assert {line.split()[1] for line in listing} == {"root/root"}


def test_it_has_the_program_and_its_licences(unpacked: Path) -> None:
    assert (unpacked / APP / "venv/bin/checkpoint-gateway").is_file()
    assert (unpacked / "usr/share/doc/checkpoint-gateway/copyright").is_file()
    assert not (unpacked / APP / "manifest").exists()


def test_the_configuration_is_not_dpkgs(unpacked: Path) -> None:
    """`setup` and the technician write it: dpkg would ask at every upgrade which one to keep."""
    assert not (unpacked / "etc").exists()
    assert not (unpacked / "DEBIAN/conffiles").exists()


def test_its_sums_are_right(unpacked: Path) -> None:
    sums = unpacked / "DEBIAN/md5sums"
    subprocess.run(["md5sum", "--quiet", "--strict", "-c", sums], cwd=unpacked, check=True)
    files = [path for path in unpacked.rglob("*") if path.is_file() and not path.is_symlink()]
    ours = [path for path in files if "DEBIAN" not in path.parts]
    assert len(sums.read_text().splitlines()) == len(ours)


def test_the_same_sources_make_files_of_the_same_age(package: Path) -> None:
    program = [
        line
        for line in told("dpkg-deb", "--contents", package).splitlines()
        if str(APP) in line and not line.startswith("d")
    ]
    assert program
    assert {line.split()[3] for line in program} == {"2023-11-14"}


def test_what_is_compiled_fits_its_source(unpacked: Path) -> None:
    """Or everything would be compiled anew at each start, for the service may not write there."""
    done = subprocess.run(
        [unpacked / APP / "venv/bin/python", "-I", "-v", "-m", "gateway", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    own = [line for line in done.stderr.splitlines() if str(unpacked / APP) in line]
    assert any("gateway/cli.py" in line for line in own)
    assert [line for line in own if "bytecode is stale" in line or "wrote" in line] == []

"""Installing into a directory: what is there afterwards, whose it is, and how it goes again."""

import gzip
import os
import shutil
import stat
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from gateway import manpage
from tests.deploy.conftest import APP, ROOT, script

pytestmark = pytest.mark.timeout(600)  # the first of them installs, on a machine that may be busy
SCRIPTS = sorted(
    path for path in (ROOT / "deploy").rglob("*") if path.is_file() and os.access(path, os.X_OK)
)
LISTED = {
    "usr/bin/checkpoint-gateway",
    "usr/lib/checkpoint-gateway/configure",
    "usr/lib/systemd/journald.conf.d/60-checkpoint-gateway.conf",
    "usr/lib/sysusers.d/checkpoint-gateway.conf",
    "usr/lib/tmpfiles.d/checkpoint-gateway.conf",
    "usr/lib/udev/rules.d/60-checkpoint-gateway.rules",
    "usr/share/checkpoint-gateway/gateway.toml",
    "usr/share/checkpoint-gateway/policy.toml",
    "usr/share/checkpoint-gateway/checkpoint-gateway.schema.json",
    "usr/share/man/man1/checkpoint-gateway.1.gz",
    "usr/share/doc/checkpoint-gateway/README.md",
    "usr/share/doc/checkpoint-gateway/README.zh-CN.md",
}


@pytest.fixture
def box(installed: Path, tmp_path: Path) -> Path:
    """A copy of the installed tree with a configuration and a journal, to be changed."""
    tree = tmp_path / "box"
    shutil.copytree(installed, tree, symlinks=True)
    for file in ("etc/checkpoint-gateway/gateway.toml", "var/lib/checkpoint-gateway/journal.db"):
        (tree / file).parent.mkdir(parents=True)
        (tree / file).write_text("the technician's own")
    return tree


def files(tree: Path) -> dict[str, str]:
    """Everything that is no directory, with where a link leads or what a file's digest is."""
    return {
        str(path.relative_to(tree)): str(path.readlink())
        if path.is_symlink()
        else sha256(path.read_bytes()).hexdigest()
        for path in tree.rglob("*")
        if path.is_symlink() or path.is_file()
    }


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_the_scripts_are_sound(path: Path) -> None:
    done = subprocess.run(
        ["shellcheck", "--severity=style", "--exclude=SC1091", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""


def test_everything_is_where_it_is_looked_for(installed: Path) -> None:
    there = {path for path in files(installed) if not path.startswith(str(APP / "releases"))}
    units = {f"usr/lib/systemd/system/{unit.name}" for unit in (ROOT / "systemd").glob("*.service")}
    docs = {
        f"usr/share/doc/checkpoint-gateway/{each.name}" for each in (ROOT / "docs").glob("*.md")
    }
    assert there == LISTED | units | docs | {str(APP / "venv"), str(APP / "manifest")}


def test_the_list_of_what_is_there_is_complete(installed: Path) -> None:
    listed = (installed / APP / "manifest").read_text().splitlines()
    outside = {f"/{path}" for path in files(installed) if "/releases/" not in path}
    assert set(listed) == outside


def test_it_runs(installed: Path) -> None:
    done = subprocess.run(
        [installed / APP / "venv/bin/python", "-I", "-m", "gateway", "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: checkpoint-gateway ")


def test_links_lead_to_the_release(installed: Path) -> None:
    (release,) = (installed / APP / "releases").iterdir()
    assert str((installed / APP / "venv").readlink()) == f"releases/{release.name}"
    command = installed / "usr/bin/checkpoint-gateway"
    assert str(command.readlink()) == f"/{APP}/venv/bin/checkpoint-gateway"
    started = (release / "bin/checkpoint-gateway").read_text()
    assert f"/{APP}/releases/{release.name}/bin/python" in started
    assert {path.name for path in (release / "bin").iterdir() if not path.is_symlink()} == {
        "checkpoint-gateway"
    }


def test_nothing_tells_where_it_was_made(installed: Path) -> None:
    where = os.fsencode(installed)
    telling = [path for path in installed.rglob("*") if path.is_file() and where in read(path)]
    assert telling == []
    assert list(installed.rglob("direct_url.json")) == []


def read(path: Path) -> bytes:
    return b"" if path.is_symlink() else path.read_bytes()


def test_only_root_may_change_it_and_everybody_may_read_it(installed: Path) -> None:
    for path in installed.rglob("*"):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode & 0o022 == 0, path
            assert mode & 0o444 == 0o444, path


def test_nothing_of_the_program_is_left_behind(installed: Path) -> None:
    """What is not Python, such as a page, must be named as package data."""
    (packages,) = (installed / APP).glob("venv/lib/python3*/site-packages")
    for name in ("gateway", "drivers"):
        assert own_files(packages / name) == own_files(ROOT / name)


def own_files(directory: Path) -> set[Path]:
    return {
        path.relative_to(directory)
        for path in directory.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def test_it_is_compiled(installed: Path) -> None:
    (packages,) = (installed / APP).glob("venv/lib/python3*/site-packages")
    sources = [*(packages / "gateway").rglob("*.py"), *(packages / "drivers").rglob("*.py")]
    assert sources
    for source in sources:
        assert list((source.parent / "__pycache__").glob(f"{source.stem}.*.pyc")), source


def test_the_man_page_is_that_of_this_version(installed: Path) -> None:
    page = gzip.decompress((installed / "usr/share/man/man1/checkpoint-gateway.1.gz").read_bytes())
    assert (
        page.decode().splitlines()[1:] == manpage.page().splitlines()[1:]
    )  # the first has the day


def test_the_sample_names_its_schema(installed: Path) -> None:
    first = (installed / "usr/share/checkpoint-gateway/gateway.toml").read_text().split("\n")[0]
    name = first.removeprefix("#:schema ")
    assert (installed / name.lstrip("/")).is_file()


def test_a_python_without_a_lock_is_refused_in_words(tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\necho armv7l-3.9\n")
    old.chmod(0o755)
    done = script("install", {"PYTHON3": str(old), "DESTDIR": str(tmp_path / "tree")})
    assert done.returncode == 1
    assert "python3.9 is armv7l-3.9; expected Python 3.11 to 3.13 of a 64-bit" in done.stderr
    assert not (tmp_path / "tree").exists()


def test_a_wheel_that_is_not_the_locked_one_changes_nothing(
    box: Path, offline: dict[str, str], tmp_path: Path
) -> None:
    locks = tmp_path / "locks"
    shutil.copytree(offline["LOCKS"], locks)
    lock = locks / "build.lock"
    lock.write_text(lock.read_text().replace("sha256:", "sha256:00")[:-3] + "\n")
    before = files(box)
    done = script("install", {**offline, "LOCKS": str(locks), "DESTDIR": str(box)})
    assert done.returncode == 1
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert done.stderr.endswith("what was there before is as it was\n")
    assert files(box) == before


def test_uninstalling_keeps_configuration_and_records(box: Path) -> None:
    done = script("uninstall", {"DESTDIR": str(box)})
    assert (done.returncode, done.stderr) == (0, "")
    assert "are kept" in done.stdout
    assert set(files(box)) == {
        "etc/checkpoint-gateway/gateway.toml",
        "var/lib/checkpoint-gateway/journal.db",
    }
    assert not (box / APP).exists()
    assert not (box / "usr/share/checkpoint-gateway").exists()


def test_rule_17_at_the_stand_down_every_file_of_it_goes(box: Path) -> None:
    done = script("uninstall", {"DESTDIR": str(box), "PURGE": "yes"})
    assert done.returncode == 0
    assert files(box) == {}


def test_there_is_nothing_to_uninstall(tmp_path: Path) -> None:
    done = script("uninstall", {"DESTDIR": str(tmp_path), "PURGE": "yes"})
    assert done.returncode == 1
    assert done.stderr.endswith("manifest: nothing to remove here\n")

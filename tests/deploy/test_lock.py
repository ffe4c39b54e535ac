"""The locks: everything that is needed, in one version each, by digest, and from nowhere."""

import re
import tomllib
from collections import deque
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = [ROOT / "deploy" / name for name in ("requirements.lock", "build.lock")]
_ENTRY = re.compile(r"([a-z0-9-]+)==([\w.]+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)")


def pinned(lock: Path) -> dict[str, str]:
    """Every package of a lock with its version; the file holds nothing else."""
    comment, _, text = lock.read_text().partition("\n")
    assert comment.startswith("# ")
    assert _ENTRY.sub("", text).strip() == ""
    return {name: version for name, version, _ in _ENTRY.findall(text)}


def wanted(*extras: str) -> list[Requirement]:
    project = PROJECT["project"]
    texts = [*project["dependencies"]]
    texts += [each for name in extras for each in project["optional-dependencies"][name]]
    return [Requirement(text) for text in texts]


def with_all_that_they_need(direct: list[Requirement]) -> Iterator[Requirement]:
    """`direct`, and what the packages that are installed here say that they need themselves."""
    waiting, seen = deque(direct), set[str]()
    while waiting:
        each = waiting.popleft()
        if each.marker is not None and not each.marker.evaluate({"extra": ""}):
            continue
        yield each
        if (name := canonicalize_name(each.name)) not in seen:
            seen.add(name)
            waiting.extend(map(Requirement, requires(each.name) or []))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_entry_is_one_version_with_digests(lock: Path) -> None:
    assert pinned(lock)
    assert list(pinned(lock)) == sorted(pinned(lock))
    assert "://" not in lock.read_text()


def test_the_lock_has_all_that_the_program_needs_as_it_needs_it() -> None:
    """After a change in pyproject.toml: make lock."""
    lock = pinned(LOCKS[0])
    for each in with_all_that_they_need(wanted("osdp", "zstd")):
        assert each.specifier.contains(lock[canonicalize_name(each.name)]), each


def test_the_lock_has_nothing_else() -> None:
    needed = {
        canonicalize_name(each.name) for each in with_all_that_they_need(wanted("osdp", "zstd"))
    }
    assert pinned(LOCKS[0]).keys() == needed


def test_the_wheel_is_made_with_what_the_project_names() -> None:
    lock = pinned(LOCKS[1])
    named = [Requirement(text) for text in PROJECT["build-system"]["requires"]]
    assert lock.keys() == {each.name for each in named}
    assert all(each.specifier.contains(lock[each.name]) for each in named)


def test_what_is_built_for_machines_is_there_for_each_of_them() -> None:
    """The camera's library has one wheel per machine; numpy one per machine and Python, too."""
    text = LOCKS[0].read_text()
    digests = {name: found.count("--hash") for name, _, found in _ENTRY.findall(text)}
    assert digests["opencv-python-headless"] == 2
    assert digests["numpy"] == 6

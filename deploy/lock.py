"""Writes the locks: every package that is needed, in one version, with the digests of its wheels.

`python deploy/lock.py` asks pip what it would install on each machine that is supported, and takes
the newest versions that pyproject.toml allows. Where the wheels come from is not written down: that
is for the machine to say on which they are installed.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
EXTRAS = ("osdp", "zstd")
"""What may be left out where somebody installs by hand; a box gets all of it."""
PYTHONS = ("3.11", "3.12", "3.13")
MACHINES = ("x86_64", "aarch64")
GLIBC_MINORS = range(36, 16, -1)
"""Debian 12 has glibc 2.36; the oldest that wheels are made for is 2.17, called manylinux2014."""

Locked = dict[str, set[str]]
"""`name==version`, and the SHA-256 of each of its wheels that one of the machines takes."""


def main() -> None:
    """Write both locks, or neither."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = pyproject["project"]
    optional = [each for name in EXTRAS for each in project["optional-dependencies"][name]]
    program = locked(project["dependencies"] + optional)
    build = locked(pyproject["build-system"]["requires"])
    write("requirements.lock", "What the program needs", program)
    write("build.lock", "What its wheel is made with", build)


def locked(requirements: Sequence[str]) -> Locked:
    """The wheels for all machines, in the versions that the first of them gets."""
    found: Locked = {}
    for machine in MACHINES:
        for python in PYTHONS:
            packages = resolved([*requirements, *found], machine, python)
            refuse_unless_complete(packages, machine, python)
            for package in packages:
                found.setdefault(pin(package), set()).add(
                    package["download_info"]["archive_info"]["hashes"]["sha256"]
                )
    return dict(sorted(found.items(), key=lambda each: each[0].split("==")))


def resolved(requirements: Sequence[str], machine: str, python: str) -> list[dict[str, Any]]:
    """What pip would install, as it reports it; it ends the program where there is no wheel."""
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS]
    with tempfile.TemporaryDirectory() as nowhere:
        command = [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--dry-run", "--ignore-installed", "--report=-", f"--target={nowhere}"),
            *("--only-binary=:all:", f"--python-version={python}", *platforms, *requirements),
        ]
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"no lock: see above what there is not for {machine} and Python {python}")
    packages: list[dict[str, Any]] = json.loads(done.stdout)["install"]
    return packages


def refuse_unless_complete(packages: list[dict[str, Any]], machine: str, python: str) -> None:
    """End the program if a package needs another one on that machine alone.

    pip picks wheels for the machine it is told, but reads conditions ("; python_version < …") as
    they are where it runs.
    """
    there = {"platform_machine": machine, "python_version": python, "extra": ""}
    there["python_full_version"] = f"{python}.0"
    names = {canonicalize_name(package["metadata"]["name"]) for package in packages}
    for package in packages:
        for text in package["metadata"].get("requires_dist", []):
            needed = Requirement(text)
            holds = needed.marker is None or needed.marker.evaluate(there)
            if holds and canonicalize_name(needed.name) not in names:
                sys.exit(f"{pin(package)} also needs {needed} for {machine} and Python {python}")


def pin(package: dict[str, Any]) -> str:
    """`name==version`."""
    metadata = package["metadata"]
    return f"{canonicalize_name(metadata['name'])}=={metadata['version']}"


def write(file: str, what: str, packages: Locked) -> None:
    """Write one lock, as pip's --require-hashes reads it."""
    machines = f"Linux on {' and '.join(MACHINES)}, CPython {', '.join(PYTHONS)}"
    lines = [f"# {what}. {machines}. Made by: make lock"]
    for name, digests in packages.items():
        lines.append(" \\\n    --hash=sha256:".join([name, *sorted(digests)]))
    (ROOT / "deploy" / file).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

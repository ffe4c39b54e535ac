"""Wheels of what is installed here, so that a test can install it elsewhere without a network."""

from collections.abc import Iterable
from hashlib import sha256
from importlib.metadata import Distribution, distribution
from pathlib import Path
from zipfile import ZipFile


def lock(names: Iterable[str], file: Path, wheels: Path) -> None:
    """Make a wheel of each package in `names`, and the lock `file` that names them."""
    lines = []
    for name in names:
        found = distribution(name)
        digest = sha256(_wheel(found, wheels).read_bytes()).hexdigest()
        lines.append(f"{name}=={found.version} --hash=sha256:{digest}\n")
    file.write_text("".join(lines))


def _wheel(found: Distribution, directory: Path) -> Path:
    """What was a wheel once, packed again; pip drops the list of its files, and makes its own."""
    tag = str(found.read_text("WHEEL")).partition("Tag: ")[2].splitlines()[0]
    name = found.metadata["Name"].replace("-", "_")
    wheel = directory / f"{name}-{found.version}-{tag}.whl"
    with ZipFile(wheel, "w") as packed:
        for each in found.files or []:
            if ".." not in each.parts and each.suffix != ".pyc" and "/RECORD" not in str(each):
                packed.write(str(each.locate()), str(each))
        packed.writestr(f"{name}-{found.version}.dist-info/RECORD", "")
    return wheel

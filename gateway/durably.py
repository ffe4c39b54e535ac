"""Puts a file in place so that a pulled plug leaves either the former or the new one, whole."""

import os
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Have `content` in `path`, readable for its owner alone, durable when this returns.

    Raises:
        OSError: it cannot be written; what was there is unchanged.
    """
    aside = path.with_name(path.name + ".new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    aside.rename(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)

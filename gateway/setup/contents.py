"""Which files a configuration names, what is in them, and where they are to be."""

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from drivers.base import SECRETS
from gateway.config import Config
from gateway.configfile.lines import Path as OptionPath
from gateway.configfile.validate import validate
from gateway.errors import ConfigError, GatewayError
from gateway.places import CONFIGURATION
from gateway.setup.meaning import Tables

_LARGEST: Final = 128 << 10
_PUBLIC: Final = frozenset({"ca_file", "cert_file", "seal_to_file"})
"""Options whose file is no secret."""


def secrets_of(file: Path) -> Path:
    """Where the secrets of the configuration `file` lie: of an installed box where the service
    gets them from, else beside it."""
    file = file.absolute()
    return SECRETS if file == CONFIGURATION else file.parent


def named(tables: Tables, at: OptionPath = ()) -> Iterator[tuple[OptionPath, str]]:
    """Every option ``…_file``, and the name that it gives."""
    for key, each in tables.items():
        if isinstance(each, dict):
            yield from named(each, (*at, key))
        elif key.endswith("_file") and isinstance(each, str):
            yield (*at, key), each


def gather(
    tables: Tables, base: Path, known: Mapping[str, bytes]
) -> tuple[dict[str, bytes], list[str]]:
    """The files that ``tables`` name, relative to ``base`` unless ``known`` already; and the
    mistakes, each in words."""
    files, mistakes = {}, []
    for path, name in named(tables):
        if name in known:
            files[name] = known[name]
            continue
        try:
            content = (base / name).read_bytes()
        except OSError as error:
            where = f"[{'.'.join(map(str, path[:-1]))}] {path[-1]}"
            mistakes.append(f"{where}: {base / name} cannot be read: {error.strerror}")
            continue
        if len(content) > _LARGEST:
            mistakes.append(f"{base / name} is larger than {_LARGEST >> 10} KiB; expected a secret")
        files[name] = content
    return files, mistakes


def moved(
    tables: Tables, files: Mapping[str, bytes], directory: Path, secrets: Path
) -> tuple[Tables, dict[Path, bytes]]:
    """The same tables with their files in ``directory`` and ``secrets``, and what belongs there.

    Raises:
        GatewayError: one is missing, or two different files have one name.
    """
    placed: dict[Path, bytes] = {}
    tables = copy.deepcopy(tables)
    for path, name in list(named(tables)):
        place = directory if path[-1] in _PUBLIC else secrets
        target, content = place / Path(name).name, files.get(name)
        if content is None or Path(name).name in ("", ".."):
            raise GatewayError(
                f"the file {name}, which the configuration names, did not come with it"
            )
        if placed.setdefault(target, content) != content:
            raise GatewayError(f"two different files are called {target.name}: rename one of them")
        table = tables
        for each in path[:-1]:
            table = table[str(each)]
        table[str(path[-1])] = str(target)
    return tables, placed


def validated(tables: Tables) -> Config:
    """``tables`` as a configuration.

    Raises:
        ConfigError: every mistake in it.
    """
    config, mistakes = validate(tables)
    if config is None:
        raise ConfigError("\n".join(map(str, mistakes)))
    return config

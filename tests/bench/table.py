"""Shows figures: as a table for people, as JSON for machines."""

import json
import os
import platform
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from tests.bench.figures import Figure, shown

_VERDICTS = {True: Text("yes", "green"), False: Text("no", "bold red"), None: Text("")}


def machine() -> str:
    """On what was measured."""
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, load {load:.1f}, Linux {platform.release()},"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def table(results: Mapping[str, Sequence[Figure]], title: str) -> Table:
    """Each figure beside its limit."""
    made = Table(title=title)
    made.add_column("figure")
    for name in ("measured", "limit"):
        made.add_column(name, justify="right", no_wrap=True)
    made.add_column("which is")
    made.add_column("ratio", justify="right", no_wrap=True)
    made.add_column("reach", no_wrap=True)
    made.add_column("reached")
    for figures in results.values():
        for figure in figures:
            made.add_row(*_cells(figure), _VERDICTS[figure.reached])
        made.add_section()
    return made


def document(results: Mapping[str, Sequence[Figure]], title: str) -> str:
    """The same for machines."""
    figures = [
        asdict(figure)
        | {
            "benchmark": name,
            "ratio": figure.ratio,
            "reach": [str(each) for each in figure.reach],
            "reached": figure.reached,
        }
        for name, some in results.items()
        for figure in some
    ]
    return json.dumps({"machine": title, "figures": figures}, indent=1, ensure_ascii=False)


def _cells(figure: Figure) -> Iterable[str]:
    ratio, limit = figure.ratio, figure.limit
    return (
        figure.name,
        f"{shown(figure.value)} {figure.unit}".rstrip(),
        "" if limit is None else shown(limit),
        figure.beside,
        "" if ratio is None else f"{ratio:.2f}",
        " · ".join(map(str, figure.reach)),
    )

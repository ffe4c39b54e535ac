"""Measures the gateway, each figure beside its limit in the same run.

python -m tests.bench [--quick] [--only NAME] [--photos DIR] [--credentials DIR] [--json]
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from rich.console import Console

from tests.bench.catalogue import BENCHMARKS, measure
from tests.bench.figures import Figure, Settings
from tests.bench.process import isolated
from tests.bench.table import document, machine, table


def main() -> None:
    """Measure what the command line asks for; the exit code says nothing about the figures."""
    arguments = _parser().parse_args()
    console = Console(stderr=True)
    title, results = machine(), dict[str, list[Figure]]()
    for name in arguments.only or BENCHMARKS:
        started = perf_counter()
        with (
            console.status(f"measuring: {name}"),
            TemporaryDirectory(prefix="bench-", dir=arguments.dir) as directory,
        ):
            settings = Settings(
                Path(directory), arguments.quick, arguments.photos, arguments.credentials
            )
            results[name] = isolated(measure, name, settings)
        console.print(f"{name}: {perf_counter() - started:.0f} s", highlight=False)
    if arguments.json:
        sys.stdout.write(document(results, title) + "\n")
    else:
        Console(width=None if sys.stdout.isatty() else 160).print(table(results, title))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute instead of six")
    parser.add_argument("--only", action="append", choices=BENCHMARKS, help="may be repeated")
    parser.add_argument("--photos", type=Path, help="folder with photos and their truth.json")
    parser.add_argument("--credentials", type=Path, help="folder with public test credentials")
    parser.add_argument("--dir", type=Path, help="where to write; on the disk in question")
    parser.add_argument("--json", action="store_true", help="for machines")
    return parser


if __name__ == "__main__":
    main()

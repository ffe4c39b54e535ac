"""One codec under a coverage-guided fuzzer; runs in a process of its own, which it ends.

python -m tests.faults.fuzzing NAME CORPUS RUNS
"""

import sys

import atheris

with atheris.instrument_imports(include=["drivers"]):
    from tests.drivers.specimens import SPECIMENS, Specimen

from drivers.counters import Counters


def look(specimen: Specimen, data: bytes) -> None:
    """Any bytes, whole and in two pieces, and then two good frames, of which one must be found."""
    counted, counted_cut = Counters(), Counters()
    whole, cut = specimen.codec(counted), specimen.codec(counted_cut)
    place = data[0] if data else 0

    assert cut.feed(data[:place]) + cut.feed(data[place:]) == whole.feed(data)
    assert counted == counted_cut
    assert whole.feed(specimen.frames[0] * 2)[-1:] == [specimen.samples[0]]


def main() -> None:
    """Fuzz until the runs are over or something is found; what was is in the exit code."""
    name, corpus, runs = sys.argv[1:]
    (specimen,) = [each for each in SPECIMENS if each.name == name]
    options = [f"-runs={runs}", "-seed=1", "-max_len=4096", "-verbosity=0", corpus]
    atheris.Setup([name, *options], lambda data: look(specimen, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()

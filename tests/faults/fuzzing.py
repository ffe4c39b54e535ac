"""One codec under a coverage-guided fuzzer; runs in a process of its own, which it ends.

python -m tests.faults.fuzzing NAME CORPUS RUNS
"""

import sys

import atheris

with atheris.instrument_imports(include=["drivers", "gateway.passes"]):
    from tests.faults.subjects import SUBJECTS, Subject

from drivers.counters import Counters


def look(subject: Subject, data: bytes) -> None:
    """Any bytes, whole and in two pieces, and then two good frames, of which one must be found."""
    counted, counted_cut = Counters(), Counters()
    whole, cut = subject.codec(counted), subject.codec(counted_cut)
    place = data[0] if data else 0

    found = whole.feed(data)
    if subject.in_pieces:
        assert [*cut.feed(data[:place]), *cut.feed(data[place:])] == [*found]
        assert counted == counted_cut
    if subject.survives:
        good = subject.seeds[0]
        assert whole.feed(good * 2)[-1:] == subject.codec(Counters()).feed(good)


def main() -> None:
    """Fuzz until the runs are over or something is found; what was is in the exit code."""
    name, corpus, runs = sys.argv[1:]
    options = [f"-runs={runs}", "-seed=1", "-max_len=4096", "-verbosity=0", corpus]
    atheris.Setup([name, *options], lambda data: look(SUBJECTS[name], data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""What a gate has to take out: its undelivered records, read beside the gateway that records."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from gateway.errors import GatewayError
from gateway.inspect.look import looking_into
from gateway.journal import Batch
from gateway.journal.batch import Gathered
from gateway.journal.records import epoch_of
from gateway.journal.undelivered import lives, portion
from gateway.ranges import Ranges, first_of, runs, total
from gateway.stick.part import MOST_BYTES, MOST_RANGES

_SAMPLE = 200

Lives = dict[str, Ranges]
"""Numbers, by the life of the journal that they belong to."""


@dataclass(slots=True)
class Source:
    """The journal of one gateway; any method may raise GatewayError, for it cannot be read."""

    journal: Path
    gateway: str
    unusable: int = 0
    """Records met that are damaged, or were recorded under another gateway's id."""
    present: str | None = None
    """The life of the journal when it was asked what waits."""

    def waiting(self) -> Lives:
        """All that is undelivered."""
        with looking_into(self.journal) as connection:
            self.present = epoch_of(connection)
            return lives(connection)

    def bytes_of(self, planned: Lives) -> int:
        """About how much these have, judged by some of them."""
        size = 0.0
        for epoch, numbers in planned.items():
            sample = self._read(epoch, Ranges.of(first_of(_SAMPLE, numbers))).made
            if sample:
                mean = sum(map(len, sample.bodies)) / len(sample.bodies) + 1
                size += mean * total(numbers)
        return round(size)

    def next(self, epoch: str, numbers: Ranges) -> Batch | None:
        """The first of these records, as many as a part holds.

        Those before them that cannot be used, or are not there any more, leave `numbers`.
        """
        while numbers:
            found = self._read(epoch, numbers)
            batch, end = self._own(found, list(islice(numbers, MOST_RANGES))[-1][1])
            usable = Ranges.of(runs(batch.numbers))
            for first, last in list(numbers):
                for gone in list(usable.gaps(first - 1, min(last, end))):
                    numbers.remove(*gone)
            if len(batch.numbers):
                return batch
        return None

    def _read(self, epoch: str, numbers: Ranges) -> Gathered[Batch]:
        with looking_into(self.journal) as connection:
            if epoch_of(connection) != self.present:
                raise GatewayError(
                    "the journal was found damaged meanwhile, and another has been begun; give the"
                    " same command again in some minutes, when all has been carried over"
                )
            return portion(epoch, list(islice(numbers, MOST_RANGES)), MOST_BYTES, connection)

    def _own(self, found: Gathered[Batch], end: int) -> tuple[Batch, int]:
        """This gateway's own events, and up to which number those are all that can be used."""
        source = b'"source":"/gateways/%s"' % self.gateway.encode()
        batch = found.made or Batch((), ())
        pairs = [
            (number, body)
            for number, body in zip(batch.numbers, batch.bodies, strict=True)
            if source in body[:160] and len(body) < MOST_BYTES
        ]
        if found.numbers or found.damaged:
            end = max([*found.numbers[-1:], *found.damaged])
        ranges = list(islice(runs([number for number, _ in pairs]), MOST_RANGES))
        if len(ranges) == MOST_RANGES:
            end = ranges[-1][1]
        pairs = [each for each in pairs if each[0] <= end]
        met = sum(number <= end for number in (*found.numbers, *found.damaged))
        self.unusable += met - len(pairs)
        return Batch([number for number, _ in pairs], [body for _, body in pairs]), end

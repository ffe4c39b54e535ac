"""What an acknowledgement means for the events in it; loses none, whatever the reason code."""

import logging

from gateway.config import Confirm
from gateway.journal import Journal
from gateway.ranges import runs
from gateway.uplink.alarms import DENIED as DENIED_ALARM
from gateway.uplink.alarms import SET_ASIDE, Alarms
from gateway.uplink.feed import Feed
from gateway.uplink.link import PACKET_TOO_LARGE
from gateway.uplink.reminders import Reminders
from gateway.uplink.streams import ACCEPTED, DENIED, NOBODY_SUBSCRIBED, Pacing, Stream, Streams
from gateway.uplink.tally import Parcel, Tally

_log = logging.getLogger(__name__)

_FAULTY = frozenset({0x83, 0x90, PACKET_TOO_LARGE, 0x99})
"""The message is not liked: by the implementation, for topic, size, payload (MQTT 5, 2.4)."""


class Verdicts:
    """Acts on the answers of one link's broker."""

    def __init__(
        self,
        journal: Journal,
        streams: Streams,
        feed: Feed,
        reminders: Reminders,
        tally: Tally,
        alarms: Alarms,
        *,
        confirm: Confirm,
        pacing: Pacing,
    ) -> None:
        self._journal = journal
        self._streams = streams
        self._feed = feed
        self._reminders = reminders
        self._tally = tally
        self._alarms = alarms
        self._confirm = confirm
        self._most_rows = pacing.batch_rows
        self.batch_rows = pacing.batch_rows
        """So many rows may be in a batch: fewer while one at fault is looked for."""

    def take(self, parcel: Parcel, code: int, now: float) -> None:
        """The broker has answered `parcel` with reason `code`."""
        self._tally.trials.passed(parcel.numbers)
        self._feed.recall.answered(parcel.numbers, accepted=code == ACCEPTED)
        if code == ACCEPTED:
            self._accepted(parcel, now)
        else:
            self._tally.refused[code] += 1
            if code in _FAULTY:
                self._faulty(parcel, code, now)
            else:
                self._refused(parcel, code, now)

    def _accepted(self, parcel: Parcel, now: float) -> None:
        self._streams.paces[Stream(parcel.stream)].accepted()
        self._tally.denied.discard(parcel.stream)
        if parcel.stream in self._tally.not_taken:
            self._tally.not_taken.discard(parcel.stream)
            _log.info("the broker takes %s again", parcel.stream)
        if not self._tally.denied:
            self._alarms.clear(DENIED_ALARM)
        if parcel.stream == Stream.BATCH:
            self.batch_rows = min(self._most_rows, self.batch_rows * 2)
        numbers = parcel.numbers
        if numbers[0] < 0:
            if self._confirm is Confirm.BROKER:
                self._feed.former.delivered(numbers)
        elif self._confirm is Confirm.BROKER:
            for first, last in runs(numbers):
                self._journal.confirm_range(first, last)
        else:
            self._reminders.note(numbers, now)
            self._tally.sent(runs(numbers))

    def _faulty(self, parcel: Parcel, code: int, now: float) -> None:
        """Halve a batch until the event at fault stands alone, and set that aside."""
        _log.debug("the broker does not like a message of %s: reason 0x%02x", parcel.stream, code)
        if parcel.stream == Stream.BATCH and len(parcel.numbers) == 1:
            self.set_aside(parcel, code, now)
            return
        if parcel.stream == Stream.BATCH:
            self.batch_rows = len(parcel.numbers) // 2
        else:
            self.batch_rows = 1  # once more, alone
        self._feed.put_back(parcel.numbers)

    def _refused(self, parcel: Parcel, code: int, now: float) -> None:
        """Nothing is wrong with the message: it goes again, later."""
        stream = Stream(parcel.stream)
        level = logging.DEBUG if stream in self._tally.not_taken else logging.WARNING
        self._tally.not_taken.add(stream)
        _log.log(level, "the broker does not take %s: %s", stream, _reason(code))
        self._streams.paces[stream].refused(code, now)
        if code == DENIED:
            self._tally.denied.add(stream)
            reason = f"the broker does not let this gateway publish on its topics ({stream})"
            self._alarms.raise_(DENIED_ALARM, reason)
        if stream is Stream.LIVE:
            self._streams.live_to_backlog()
        if parcel.row and stream is Stream.ALARM and code != DENIED:
            self._streams.alarms.appendleft(parcel.row)
        else:  # an alarm that may not go as one goes with the backlog
            self._feed.put_back(parcel.numbers)

    def set_aside(self, parcel: Parcel, code: int, now: float) -> None:
        """Its one event goes no more for the time being."""
        why = self._tally.put_aside(parcel.numbers[0], parcel.first, code, now)
        self._alarms.raise_(SET_ASIDE, why)


def _reason(code: int) -> str:
    if code == NOBODY_SUBSCRIBED:
        return "nobody subscribes to it; is the centre connected?"
    return f"reason 0x{code:02x}"

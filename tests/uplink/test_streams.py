"""The order of sending: pure, so every case is a few lines."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.events import Kind
from gateway.journal import Row
from gateway.uplink.reminders import Reminders
from gateway.uplink.streams import DENIED, NOBODY_SUBSCRIBED, Pace, Pacing, Stream, Streams

PACING = Pacing()


def row(seq: int, *, alarm: bool = False) -> Row:
    return Row(seq, Kind.SCAN, alarm, 0, 0, b"{}")


def loaded(window: int, *, alarms: int = 0, live: int = 0, backlog: int = 0) -> Streams:
    streams = Streams(PACING, window)
    for seq in range(alarms):
        streams.offer(row(1000 + seq, alarm=True), now=0)
    for seq in range(live):
        streams.offer(row(2000 + seq), now=0)
    streams.backlog.add(1, backlog)
    return streams


def fill(streams: Streams) -> Counter[Stream]:
    """Send until nothing more may go."""
    sent: Counter[Stream] = Counter()
    while (stream := streams.choose(0)) is not None:
        if stream is Stream.ALARM:
            streams.alarms.popleft()
        if stream is Stream.LIVE:
            streams.live.popleft()
        streams.sent(stream)
        sent[stream] += 1
    return sent


def test_alarms_go_first_then_live_then_backlog() -> None:
    streams = loaded(20, alarms=1, live=1, backlog=10_000)
    order = []
    for _ in range(3):
        stream = streams.choose(0)
        assert stream
        streams.sent(stream)
        streams.alarms.clear()
        if stream is Stream.LIVE:
            streams.live.clear()
        order.append(stream)
    assert order == [Stream.ALARM, Stream.LIVE, Stream.BATCH]


def test_backlog_leaves_places_to_the_urgent() -> None:
    assert fill(loaded(20, backlog=10_000)) == {Stream.BATCH: PACING.batch_window}
    assert fill(loaded(6, backlog=10_000)) == {Stream.BATCH: 6 - PACING.reserve}


@given(st.integers(1, 30), st.integers(0, 100), st.integers(0, 100), st.integers(0, 5000))
def test_the_window_is_never_exceeded(window: int, alarms: int, live: int, backlog: int) -> None:
    sent = fill(loaded(window, alarms=alarms, live=live, backlog=backlog))
    assert sent.total() <= window


@given(st.integers(1, 30))
def test_endless_live_records_starve_no_backlog(window: int) -> None:
    streams = loaded(window, live=500, backlog=10_000)
    flying: list[Stream] = []
    batches = 0
    for _ in range(200):
        while (stream := streams.choose(0)) is not None:
            if stream is Stream.LIVE:
                streams.live.popleft()
            streams.sent(stream)
            flying.append(stream)
            batches += stream is Stream.BATCH
        streams.in_flight[flying.pop(0)] -= 1
    # At worst a batch's turn comes when the one before has crossed a full window.
    assert batches >= 200 // (window + PACING.fair_share + 1)


def test_a_live_record_waits_for_no_batch_however_many_wait() -> None:
    streams = loaded(20, backlog=1_000_000)
    fill(streams)
    streams.offer(row(5), now=0)
    assert streams.choose(0) is Stream.LIVE


def test_a_pausing_live_stream_hands_its_rows_to_the_backlog() -> None:
    streams = loaded(20)
    streams.paces[Stream.LIVE].refused(DENIED, now=0)
    streams.offer(row(7), now=1)
    streams.offer(row(8, alarm=True), now=1)
    assert 7 in streams.backlog
    assert [each.seq for each in streams.alarms] == [8]


def test_a_refused_stream_pauses_then_probes_then_flies() -> None:
    pace = Pace()
    pace.refused(NOBODY_SUBSCRIBED, now=0)
    assert not pace.ready(0.4, in_flight=0)
    assert pace.ready(0.6, in_flight=0)
    assert not pace.ready(0.6, in_flight=1)
    pace.accepted()
    assert pace.ready(0.6, in_flight=1)


def test_refusals_of_one_window_count_once_and_pauses_grow_to_their_limit() -> None:
    pace = Pace()
    pauses = []
    now = 0.0
    for _ in range(8):
        for _ in range(20):
            pace.refused(NOBODY_SUBSCRIBED, now)
        pauses.append(pace.resumes_at - now)
        now = pace.resumes_at
    assert pauses == [0.5, 1, 2, 4, 8, 10, 10, 10]


def test_what_the_centre_does_not_confirm_goes_again_after_ten_minutes() -> None:
    reminders = Reminders(600)
    for second in range(100):
        reminders.note([second * 2 + 1, second * 2 + 2], float(second))
    assert list(reminders.due(599)) == []
    assert list(reminders.due(611)) == [(1, 20)]
    due_at = reminders.due_at()
    assert due_at is not None
    assert list(reminders.due(due_at)) == [(21, 40)]
    assert list(reminders.due(10_000)) == [(first, first + 19) for first in range(41, 200, 20)]
    assert reminders.due_at() is None

"""Has said at the gate what the centre wants to be said there."""

from collections.abc import Iterable

from msgspec import Struct

from gateway.checkpoint.machine import Outcome, Recorded, Say
from gateway.checkpoint.prompts import Prompt
from gateway.clock import Stamp
from gateway.events import CommandData

_DONE = 200
_LANE = "lane/"


class Nothing(Struct):
    """It remembers nothing."""


class Announcements:
    """A machine; see `gateway.checkpoint.machine`."""

    def __init__(self) -> None:
        self.state = Nothing()

    def take(self, event: Recorded) -> Iterable[Outcome]:
        """What has been ordered to be said, in the centre's words or in the gate's own."""
        order = event.data
        if not isinstance(order, CommandData) or order.command != "announce":
            return ()
        if order.status != _DONE:
            return ()
        lane = order.target.removeprefix(_LANE) if order.target else None
        text, prompt = order.args.get("text"), order.args.get("prompt")
        if isinstance(text, str):
            return [Say(Prompt.ANNOUNCEMENT, event.at, lane, {"text": text})]
        known = prompt in [*Prompt]
        return [Say(Prompt(str(prompt)), event.at, lane)] if known else ()

    def advance(self, now: Stamp) -> Iterable[Outcome]:
        """Nothing becomes due here."""
        return ()

    def due(self, now: Stamp) -> float | None:
        """See `advance`."""
        return None

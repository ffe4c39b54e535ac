"""What the centre orders: checked, done once, answered, and never without a trace."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.clock import Clock
from gateway.commands.answers import Answers
from gateway.commands.authority import Authority
from gateway.commands.deeds import Hands
from gateway.commands.desk import Desk
from gateway.commands.expiry import Expiry, Marks
from gateway.commands.ledger import Ledger
from gateway.commands.once import Once, Record
from gateway.config import Config
from gateway.events import Draft
from gateway.messages import Replies
from gateway.signing import Keyring

__all__ = ["Desk", "Hands", "Marks", "desk_of"]

LEDGER = "commands.db"
"""In the state directory: the orders that were taken up."""


def desk_of(
    config: Config,
    keys: Keyring,
    clock: Clock,
    marks: Marks,
    hands: Hands,
    replies: Replies,
    *,
    record: Record,
    note: Callable[[Draft], Awaitable[None]],
) -> Desk:
    """The desk of the gateway that `config` is of: `record` returns when events are durable,
    `note` sees to that in time."""
    place = config.gateway
    once = Once(Ledger(Path(place.state_dir) / LEDGER), Expiry(clock, marks), clock, record)
    answers = Answers(place, clock, replies)
    return Desk(Authority(config, keys), once, hands, answers, clock, note)

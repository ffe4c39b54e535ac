"""What the centre gives the gate to work by: signed, in versions, all of one or nothing of it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.clock import Clock
from gateway.config import Place
from gateway.documents.account import Account
from gateway.documents.document import NAMES, DocumentError, Times
from gateway.documents.documents import Documents
from gateway.documents.force import Changed, Force, Validator
from gateway.documents.intake import Intake
from gateway.documents.shelf import Shelf
from gateway.events import Draft
from gateway.signing import Keyring

__all__ = ["NAMES", "Changed", "DocumentError", "Documents", "Force", "Intake", "Validator"]


def opened(
    place: Place,
    keys: Keyring,
    clock: Clock,
    force: Force,
    *,
    note: Callable[[Draft], Awaitable[None]],
    news: asyncio.Event,
) -> Intake:
    """The documents of the gate at `place`: what is kept of them is in `force`, and more comes."""
    shelf = Shelf(directory(place))
    documents = Documents(shelf, place, keys, force, Times(clock), Account(clock, note), news)
    documents.open()
    return Intake(documents, shelf.incoming)


def directory(place: Place) -> Path:
    """Where they are kept."""
    return Path(place.state_dir) / "documents"


def incoming(place: Place) -> Path:
    """Where they are laid by hand."""
    return Shelf(directory(place)).incoming

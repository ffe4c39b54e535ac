"""What the gate works by at this moment, and who has to know when that changes."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from msgspec import structs

from gateway.documents.document import NAMES, Document, DocumentError

Validator = Callable[[Mapping[str, Any], str], object]
"""Makes of a body, of this version, what the gate works by; raises ValueError, with words."""

Changed = Callable[[str, Any], None]
"""Is given a version and what its validator has made; raises ValueError if it cannot be used."""


class InForce(NamedTuple):
    """A document that the gate works by."""

    document: Document
    """Without its body."""
    made: Any
    """By its validator."""


class Force:
    """In memory only."""

    def __init__(self, validators: Mapping[str, Validator]) -> None:
        self._validators = validators
        self._now: dict[str, InForce] = {}
        self._followers: dict[str, list[Changed]] = {name: [] for name in NAMES}

    def __getitem__(self, name: str) -> InForce | None:
        return self._now.get(name)

    def body(self, name: str) -> tuple[str, Any] | None:
        """The version in force of `name`, and what its validator has made of it."""
        found = self._now.get(name)
        return (found.document.version, found.made) if found else None

    def versions(self) -> dict[str, str]:
        """Those in force, by name."""
        return {name: each.document.version for name, each in self._now.items()}

    def follow(self, name: str, changed: Changed) -> None:
        """Have `changed` called when another version of `name` comes into force;
        what is in force now is asked for by `body`."""
        self._followers[name].append(changed)

    def understood(self, document: Document) -> InForce:
        """What its validator makes of `document`.

        Raises:
            DocumentError: nothing.
        """
        made: object = document.contents()
        if validator := self._validators.get(document.name):
            try:
                made = validator(document.contents(), document.version)
            except ValueError as error:
                raise DocumentError(str(error)) from error
        return InForce(structs.replace(document, body=None), made)

    def begin(self, found: InForce) -> None:
        """Work by this from the start; nobody follows yet."""
        self._now[found.document.name] = found

    def switch(self, found: InForce) -> None:
        """Work by this from now on.

        Raises:
            DocumentError: somebody cannot; all work by the former again.
        """
        name = found.document.name
        former = self._now.get(name)
        self._now[name] = found
        try:
            for each in self._followers[name]:
                each(found.document.version, found.made)
        except ValueError as error:
            if former is None:
                del self._now[name]
            else:
                self._now[name] = former
                for each in self._followers[name]:
                    with suppress(ValueError):  # it has been used until now
                        each(former.document.version, former.made)
            raise DocumentError(f"it cannot be used: {error}") from error

"""Small documents of the centre: who is watched for, who is registered, what is to be said."""

from typing import Annotated

from pydantic import Field

from drivers.base import Line, Name, OptionTable


class Subject(OptionTable):
    """Whom a pass is for, as passes name them."""

    iss: Line
    """The issuer's name."""
    sub: Line
    """The issuer's name for the person."""


class People(OptionTable):
    """The body of the documents `watch-list` and `register`."""

    people: Annotated[tuple[Subject, ...], Field(max_length=100_000)]


class Notice(OptionTable):
    """The body of the document `notices`; it is said once, when it comes into force."""

    text: Line
    """In the language of whoever is to hear it."""
    lane: Name | None = None
    """Where; without it everywhere."""

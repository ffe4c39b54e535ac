"""Lists of people that the centre sends: who is watched for, and who is registered."""

from typing import Annotated

from pydantic import Field

from drivers.base import Line, OptionTable


class Subject(OptionTable):
    """Whom a pass is for, as passes name them."""

    iss: Line
    """The issuer's name."""
    sub: Line
    """The issuer's name for the person."""


class People(OptionTable):
    """The body of the documents `watch-list` and `register`."""

    people: Annotated[tuple[Subject, ...], Field(max_length=100_000)]

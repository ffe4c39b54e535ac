"""Lists of people that the centre sends: who is watched for, and who is registered."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from drivers.base import Line


class Subject(BaseModel):
    """Whom a pass is for, as passes name them."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    iss: Line
    """The issuer's name."""
    sub: Line
    """The issuer's name for the person."""


class People(BaseModel):
    """The body of the documents `watch-list` and `register`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    people: Annotated[list[Subject], Field(max_length=100_000)]


def people(body: Mapping[str, Any]) -> People:
    """Whom `body` names.

    Raises:
        ValueError: it is no list of people.
    """
    return People.model_validate(body)

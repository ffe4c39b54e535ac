"""Lists of people that the centre sends: who is watched for, and who is registered."""

from typing import Annotated

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

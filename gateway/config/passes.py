"""What can be set about codes: `[passes]` in the configuration."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from drivers.base import FilePath, OptionTable, SecretPath

Beginning = Annotated[
    str,
    StringConstraints(pattern=r"^[!-)+-~]{4}[ -~]{0,252}$"),
    Field(json_schema_extra={"words": "4 to 256 characters, no * among the first 4, in quotes"}),
]
"""How a kind of code begins; `*` stands for anything."""

Url = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[!-~]{1,500}$"),
    Field(json_schema_extra={"words": "an address like https://host/path"}),
]


class Content(StrEnum):
    """What becomes of the content of a code."""

    NO = "no"
    SEALED = "sealed"
    CLEAR = "yes, in clear"


class Answer(StrEnum):
    """What is said of a code by whoever is asked."""

    UNKNOWN = "unknown"
    PASS = "pass"
    REFUSE = "refuse"


class ResolverConfig(OptionTable):
    """`[passes.resolver]`: who is asked over the network about other health codes."""

    url: Url
    """Where; the code goes there in the body of a POST."""
    token_file: SecretPath | None = None
    """File with the token to ask with, on its first line."""
    timeout_s: Annotated[float, Field(ge=0.1, le=10)] = 2.0
    """So long an answer may take, and whoever has to show a health code may wait for it."""
    unanswered: Answer = Answer.UNKNOWN
    """What counts when there is none."""


class PassesConfig(OptionTable):
    """`[passes]`: by what codes are judged, and what is kept of them."""

    trust_file: FilePath | None = None
    """The document with issuers, their keys and revocations, until one comes from the centre."""
    health_codes: tuple[Beginning, ...] = ()
    """How other health codes begin: they are told for what they are, and never judged."""
    keep_content: Content = Content.NO
    """Whether the content of codes is kept: no; sealed to the centre's key; or in clear."""
    pseudonym_days: Annotated[int, Field(ge=1, le=365)] = 30
    """After so many days there is a new key for pseudonyms; the former is kept as long again."""
    resolver: ResolverConfig | None = None
    """Absent means that nobody is asked."""

    def notices(self) -> Sequence[str]:
        """What is allowed and must be known; one sentence each."""
        if self.keep_content is not Content.CLEAR:
            return ()
        return (
            "the content of every code is recorded and sent in clear: whoever reads the journal or"
            " the messages learns who passed, when, and perhaps more",
        )

"""The document `passes`: whose passes count, which are revoked, whose health certificates are read.

{"issuers": [{"name": "410102-003", "place": "410102/011/003",
              "keys": [{"kty": "OKP", "crv": "Ed25519", "x": "…", "kid": "9f3c01aa"}],
              "revoked": {"passes": ["04d1…"],
                          "subjects": [{"sub": "…", "until": 1773817923}]}}],
 "health": {"dcc": [{"certificate": "…"}],
            "shc": [{"iss": "https://…", "keys": [{"kty": "EC", "crv": "P-256", "x": "…", …}]}],
            "icao": [{"certificate": "…"}]},
 "health_codes": ["https://health.example.cn/"]}
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from gateway.errors import GatewayError
from gateway.passes.fields import Cti, Ed25519Key, Name, P256Key, Pattern, Place, Table, wrong
from gateway.passes.form import FormError, parse_json
from gateway.passes.health import Health
from gateway.passes.keys import VerifyingKey
from gateway.passes.trust import Issuer, Trust

LARGEST_BYTES: Final = 4 << 20
"""A city's revocations of a year."""
_MOST_TOLD: Final = 20
_OWN_KID_BYTES: Final = 4
"""Of a key whose `kid` is not said: of so many keys as one issuer has, no two share them."""
_FOR_EVER: Final = 1 << 53


class DocumentError(GatewayError):
    """It cannot be used; the text lists what is wrong, and where in it."""


class RevokedSubject(Table):
    """Whose passes count no more."""

    sub: Name
    until: Annotated[int, Field(ge=0, le=_FOR_EVER)] = _FOR_EVER
    """What was issued up to then, in seconds since 1970; what is issued later counts again."""


class Revocations(Table):
    """What an issuer has taken back."""

    passes: list[Cti] = Field(default_factory=list)
    subjects: list[RevokedSubject] = Field(default_factory=list)


class IssuerEntry(Table):
    """One who signs passes."""

    name: Name
    place: Place
    keys: Annotated[
        list[Annotated[Ed25519Key | P256Key, Field(discriminator="kty")]], Field(min_length=1)
    ]
    revoked: Revocations = Revocations()

    @model_validator(mode="after")
    def _keys_apart(self) -> Self:
        if len(self.by_kid()) != len(self.keys):
            raise wrong("keys with a kid each, no two the same")
        return self

    def by_kid(self) -> dict[bytes, VerifyingKey]:
        """The keys, by the name that passes call them by."""
        made = [(each.kid, each.key()) for each in self.keys]
        return {
            bytes.fromhex(kid) if kid else key.fingerprint[:_OWN_KID_BYTES]: key
            for kid, key in made
        }

    def issuer(self) -> Issuer:
        """The same, as passes are judged by it."""
        return Issuer(
            self.name,
            self.place,
            self.by_kid(),
            frozenset(map(bytes.fromhex, self.revoked.passes)),
            {each.sub: each.until for each in self.revoked.subjects},
        )


class PassesDocument(Table):
    """The whole document."""

    issuers: list[IssuerEntry] = Field(default_factory=list)
    health: Health = Health()
    health_codes: list[Pattern] = Field(default_factory=list)

    @model_validator(mode="after")
    def _issuers_apart(self) -> Self:
        if len({each.name for each in self.issuers}) != len(self.issuers):
            raise wrong("issuers with a name each, no two the same")
        return self

    def trust(self, place: str, health_codes: Iterable[str] = ()) -> Trust:
        """What a gateway at `place` believes by it; `health_codes`: further ones."""
        patterns = [*self.health_codes, *health_codes]
        return Trust(
            place=place,
            issuers=tuple(each.issuer() for each in self.issuers),
            dcc=self.health.signers(),
            shc=self.health.cards(),
            icao=self.health.authorities(),
            health_codes=tuple(each.lower().encode() for each in patterns),
        )


def understand(body: Mapping[str, Any] | bytes) -> PassesDocument:
    """The document that `body` is, as JSON or what JSON was read as.

    Raises:
        DocumentError: it is none; every mistake with its place in it, and nothing of what it says.
    """
    if isinstance(body, bytes):
        if len(body) > LARGEST_BYTES:
            raise DocumentError(f"more than {LARGEST_BYTES >> 20} MB")
        try:
            body = parse_json(body)
        except FormError as error:
            raise DocumentError(str(error)) from None
    try:
        return PassesDocument.model_validate(body)
    except ValidationError as error:
        raise DocumentError("; ".join(_told(error.errors(include_input=False)))) from None


def load(path: Path) -> PassesDocument:
    """The document in the file `path`.

    Raises:
        DocumentError: it cannot be read, or is none.
    """
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise DocumentError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return understand(body)
    except DocumentError as error:
        raise DocumentError(f"{path}: {error}") from None


def _told(mistakes: Sequence[ErrorDetails]) -> Iterable[str]:
    for each in mistakes[:_MOST_TOLD]:
        place = "".join(
            f"[{step}]" if isinstance(step, int) else f".{step}"
            for step in each["loc"]
            if step not in ("OKP", "EC")
        )
        yield f"{place.removeprefix('.') or 'the document'}: {_words(each)}"
    if more := mistakes[_MOST_TOLD:]:
        yield f"and {len(more)} more mistakes"


def _words(mistake: ErrorDetails) -> str:
    match mistake["type"]:
        case "missing":
            return "missing"
        case "extra_forbidden":
            return "unknown"
        case "union_tag_invalid" | "union_tag_not_found":
            return 'expected a key with "kty", "OKP" or "EC"'
    return mistake["msg"].replace("Input should be", "expected")

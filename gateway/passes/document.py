"""The document `passes`: whose passes count, which are revoked, whose health certificates are read.

{"issuers": [{"name": "410102-003", "place": "410102/011/003",
              "keys": [{"kty": "OKP", "crv": "Ed25519", "x": "…", "kid": "9f3c01aa"}],
              "revoked": {"passes": ["04d1…"],
                          "subjects": [{"sub": "…", "until": 1773817923}]}}],
 "health_codes": ["https://health.example.cn/"]}
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from gateway.errors import GatewayError
from gateway.passes.claims import CTI_BYTES, LONGEST_NAME, PLACE
from gateway.passes.form import FormError, base64url, parse_json
from gateway.passes.keys import KeyFormError, VerifyingKey, of_ed25519, of_p256
from gateway.passes.trust import Issuer, Trust

LARGEST_BYTES: Final = 4 << 20
"""A city's revocations of a year."""
_MOST_TOLD: Final = 20
_KID_BYTES: Final = range(1, 17)
_OWN_KID_BYTES: Final = 4
"""Of a key whose `kid` is not said: of so many keys as one issuer has, no two share them."""
_FOR_EVER: Final = 1 << 53


class DocumentError(GatewayError):
    """It cannot be used; the text lists what is wrong, and where in it."""


def _wrong(expected: str) -> PydanticCustomError:
    return PydanticCustomError("words", "expected {expected}", {"expected": expected})


def _place(text: str) -> str:
    if not PLACE.fullmatch(text):
        raise _wrong("a place, as 410102/011/003")
    return text


def _name(text: str) -> str:
    if not 0 < len(text) <= LONGEST_NAME or not text.isprintable():
        raise _wrong(f"1 to {LONGEST_NAME} printable characters")
    return text


def _digits(sizes: range) -> AfterValidator:
    def check(text: str) -> str:
        try:
            if len(bytes.fromhex(text)) in sizes:
                return text.lower()
        except ValueError:
            pass
        raise _wrong(f"{sizes.start} to {sizes.stop - 1} bytes in hexadecimal digits")

    return AfterValidator(check)


def _key_bytes(text: str) -> str:
    try:
        if len(base64url(text.encode())) == 32:
            return text
    except FormError:
        pass
    raise _wrong("32 bytes in base64url")


def _pattern(text: str) -> str:
    if len(text.partition("*")[0]) < 4 or len(text) > 256 or not text.isascii():
        raise _wrong("at least 4 ASCII characters before any *, and at most 256")
    return text


_Name = Annotated[str, AfterValidator(_name)]
_Place = Annotated[str, AfterValidator(_place)]
_Kid = Annotated[str, _digits(_KID_BYTES)]
_Cti = Annotated[str, _digits(CTI_BYTES)]
_KeyBytes = Annotated[str, AfterValidator(_key_bytes)]
Pattern = Annotated[str, AfterValidator(_pattern)]
"""How a health code begins."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Ed25519Key(_Table):
    """As in RFC 8037."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: _KeyBytes
    kid: _Kid | None = None
    alg: Literal["EdDSA"] = "EdDSA"
    use: Literal["sig"] = "sig"

    def key(self) -> VerifyingKey:
        """The key itself."""
        return of_ed25519(base64url(self.x.encode()))


class P256Key(_Table):
    """As in RFC 7518, 6.2."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: _KeyBytes
    y: _KeyBytes
    kid: _Kid | None = None
    alg: Literal["ES256"] = "ES256"
    use: Literal["sig"] = "sig"

    @model_validator(mode="after")
    def _on_the_curve(self) -> Self:
        try:
            self.key()
        except KeyFormError:
            raise _wrong("x and y of a point on the curve") from None
        return self

    def key(self) -> VerifyingKey:
        """The key itself."""
        return of_p256(base64url(self.x.encode()), base64url(self.y.encode()))


class RevokedSubject(_Table):
    """Whose passes count no more."""

    sub: _Name
    until: Annotated[int, Field(ge=0, le=_FOR_EVER)] = _FOR_EVER
    """What was issued up to then, in seconds since 1970; what is issued later counts again."""


class Revocations(_Table):
    """What an issuer has taken back."""

    passes: list[_Cti] = []
    subjects: list[RevokedSubject] = []


class IssuerEntry(_Table):
    """One who signs passes."""

    name: _Name
    place: _Place
    keys: Annotated[
        list[Annotated[Ed25519Key | P256Key, Field(discriminator="kty")]], Field(min_length=1)
    ]
    revoked: Revocations = Revocations()

    @model_validator(mode="after")
    def _keys_apart(self) -> Self:
        if len(self.by_kid()) != len(self.keys):
            raise _wrong("keys with a kid each, no two the same")
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


class PassesDocument(_Table):
    """The whole document."""

    issuers: list[IssuerEntry] = []
    health_codes: list[Pattern] = []

    @model_validator(mode="after")
    def _issuers_apart(self) -> Self:
        if len({each.name for each in self.issuers}) != len(self.issuers):
            raise _wrong("issuers with a name each, no two the same")
        return self

    def trust(self, place: str, health_codes: Iterable[str] = ()) -> Trust:
        """What a gateway at `place` believes by it; `health_codes`: further ones."""
        patterns = [*self.health_codes, *health_codes]
        return Trust(
            place=place,
            issuers=tuple(each.issuer() for each in self.issuers),
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

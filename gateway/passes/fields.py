"""What the entries of the document `passes` are made of: names, places, keys, certificates."""

import re
from base64 import b64decode
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from gateway.passes import certificates
from gateway.passes.claims import CTI_BYTES, LONGEST_NAME, PLACE
from gateway.passes.form import FormError, base64url
from gateway.passes.keys import KeyFormError, VerifyingKey, of_ed25519, of_p256

_ARMOUR: Final = re.compile(r"-----(BEGIN|END) CERTIFICATE-----")
_KID_BYTES: Final = range(1, 17)


def wrong(expected: str) -> PydanticCustomError:
    """The mistake of what is something else than is expected."""
    return PydanticCustomError("words", "expected {expected}", {"expected": expected})


def _place(text: str) -> str:
    if not PLACE.fullmatch(text):
        raise wrong("a place, as 410102/011/003")
    return text


def _name(text: str) -> str:
    if not 0 < len(text) <= LONGEST_NAME or not text.isprintable():
        raise wrong(f"1 to {LONGEST_NAME} printable characters")
    return text


def _digits(sizes: range) -> AfterValidator:
    def check(text: str) -> str:
        try:
            if len(bytes.fromhex(text)) in sizes:
                return text.lower()
        except ValueError:
            pass
        raise wrong(f"{sizes.start} to {sizes.stop - 1} bytes in hexadecimal digits")

    return AfterValidator(check)


def _key_bytes(text: str) -> str:
    try:
        if len(base64url(text.encode())) == 32:
            return text
    except FormError:
        pass
    raise wrong("32 bytes in base64url")


def _signers_certificate(text: str) -> str:
    try:
        certificates.health_signer(der(text))
    except (ValueError, KeyFormError):
        raise wrong("a certificate, DER in base64 or PEM, with a key that is used here") from None
    return text


def _certificate(text: str) -> str:
    try:
        certificates.authority(der(text))
    except (ValueError, KeyFormError):
        raise wrong("a certificate, DER in base64 or PEM") from None
    return text


def der(text: str) -> bytes:
    """The certificate in `text`, which is base64, with or without PEM's first and last line.

    Raises:
        ValueError: it is not.
    """
    return b64decode("".join(_ARMOUR.sub("", text).split()), validate=True)


def _pattern(text: str) -> str:
    if len(text.partition("*")[0]) < 4 or len(text) > 256 or not text.isascii():
        raise wrong("at least 4 ASCII characters before any *, and at most 256")
    return text


Name = Annotated[str, AfterValidator(_name)]
Place = Annotated[str, AfterValidator(_place)]
Kid = Annotated[str, _digits(_KID_BYTES)]
Cti = Annotated[str, _digits(CTI_BYTES)]
Certificate = Annotated[str, AfterValidator(_certificate)]
SignersCertificate = Annotated[str, AfterValidator(_signers_certificate)]
KeyBytes = Annotated[str, AfterValidator(_key_bytes)]
Pattern = Annotated[str, AfterValidator(_pattern)]
"""How a health code begins."""


class Table(BaseModel):
    """A table of the document: nothing may be misspelt."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Ed25519Key(Table):
    """As in RFC 8037."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: KeyBytes
    kid: Kid | None = None
    alg: Literal["EdDSA"] = "EdDSA"
    use: Literal["sig"] = "sig"

    def key(self) -> VerifyingKey:
        """The key itself."""
        return of_ed25519(base64url(self.x.encode()))


class P256Key(Table):
    """As in RFC 7518, 6.2."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: KeyBytes
    y: KeyBytes
    kid: Kid | None = None
    alg: Literal["ES256"] = "ES256"
    use: Literal["sig"] = "sig"

    @model_validator(mode="after")
    def _on_the_curve(self) -> Self:
        try:
            self.key()
        except KeyFormError:
            raise wrong("x and y of a point on the curve") from None
        return self

    def key(self) -> VerifyingKey:
        """The key itself."""
        return of_p256(base64url(self.x.encode()), base64url(self.y.encode()))

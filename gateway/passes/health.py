"""Of the document `passes`, who may sign certificates about somebody's health."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from gateway.passes import certificates
from gateway.passes.fields import Certificate, Name, P256Key, SignersCertificate, Table, der, wrong
from gateway.passes.trust import Authority, HealthSigner, Verifies


class Signer(Table):
    """Who signs, by their certificate."""

    certificate: SignersCertificate


class AuthorityEntry(Table):
    """Who says whose keys are whose, by their certificate."""

    certificate: Certificate


class CardKey(P256Key):
    """A key for SMART Health Cards."""

    kid: Name
    """Theirs is no hexadecimal number."""


class CardIssuer(Table):
    """One who issues SMART Health Cards."""

    iss: Annotated[str, Field(pattern="^https://[!-~]{1,200}$")]
    keys: Annotated[list[CardKey], Field(min_length=1)]


class Health(Table):
    """All of them; whoever is not listed is not known."""

    dcc: list[Signer] = Field(default_factory=list)
    """Document signers of EU certificates."""
    shc: list[CardIssuer] = Field(default_factory=list)
    icao: list[AuthorityEntry] = Field(default_factory=list)
    """The states' authorities, or signers themselves."""

    @model_validator(mode="after")
    def _issuers_apart(self) -> "Health":
        if len(self.cards()) != len(self.shc):
            raise wrong("issuers of cards with an iss each, no two the same")
        return self

    def signers(self) -> dict[bytes, tuple[HealthSigner, ...]]:
        """Of EU certificates, by the name that these call them by."""
        found: dict[bytes, tuple[HealthSigner, ...]] = {}
        for each in self.dcc:
            kid, signer = certificates.health_signer(der(each.certificate))
            found[kid] = (*found.get(kid, ()), signer)
        return found

    def cards(self) -> Mapping[str, Mapping[str, Verifies]]:
        """Of SMART Health Cards, by issuer and name."""
        return {each.iss: {key.kid: key.key() for key in each.keys} for each in self.shc}

    def authorities(self) -> tuple[Authority, ...]:
        """Of seals."""
        return tuple(certificates.authority(der(each.certificate)) for each in self.icao)

"""Certificates (X.509) of those who sign about health: whose key it is, for what, by whose word."""

import warnings
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509 import (
    Certificate,
    DuplicateExtension,
    ExtendedKeyUsage,
    ExtensionNotFound,
    InvalidVersion,
    UnsupportedGeneralNameType,
    load_der_x509_certificate,
)
from msgspec import Struct

from gateway.passes.form import FormError
from gateway.passes.keys import KeyFormError, VerifyingKey, of_key
from gateway.passes.trust import Authority, HealthSigner

_KINDS: Final = {1: "t", 2: "v", 3: "r"}
_USES: Final = {
    f"1.3.6.1.4.1{arc}.1847.2021.1.{number}": kind
    for arc in ("", ".0")
    for number, kind in _KINDS.items()
}
"""Extended key usages for tests, vaccinations, recoveries: published with and without the 0."""
_KID_BYTES: Final = 8


class Signer(Struct, frozen=True):
    """Whose key came with what it signed."""

    key: VerifyingKey
    begin: float
    end: float
    """Seconds since 1970."""


def health_signer(der: bytes) -> tuple[bytes, HealthSigner]:
    """Who the certificate `der` is of, and the `kid` by which EU certificates name it.

    Raises:
        KeyFormError: it is none, or its key is of no use here.
    """
    certificate = _load(der)
    named = {_USES[oid] for oid in _usages(certificate) if oid in _USES}
    uses = frozenset(named or _KINDS.values())
    return sha256(der).digest()[:_KID_BYTES], HealthSigner(_key(certificate), uses)


def authority(der: bytes) -> Authority:
    """Who may sign other certificates.

    Raises:
        KeyFormError: it is no certificate.
    """
    _load(der)
    return Authority(der)


def signer(der: bytes, authorities: Iterable[Authority]) -> Signer | None:
    """Whose certificate `der` is, if one of the `authorities` has signed it, or is meant by it.

    Raises:
        FormError: it is none, or its key is of no use here.
    """
    try:
        certificate = _load(der)
        key = _key(certificate)
    except KeyFormError as error:
        raise FormError(str(error)) from None
    if not any(each.certificate == der or _signed(certificate, each) for each in authorities):
        return None
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return Signer(key, begin.timestamp(), end.timestamp())


def _signed(certificate: Certificate, authority: Authority) -> bool:
    try:
        certificate.verify_directly_issued_by(_load(authority.certificate))
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _load(der: bytes) -> Certificate:
    try:
        with warnings.catch_warnings():  # of what a stranger's certificate has, nobody need know
            warnings.simplefilter("ignore")
            return load_der_x509_certificate(der)
    except (ValueError, InvalidVersion):
        raise KeyFormError("no certificate") from None


def _key(certificate: Certificate) -> VerifyingKey:
    try:
        return of_key(certificate.public_key())
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFormError("a key of a kind that is not used here") from None


def _usages(certificate: Certificate) -> Iterable[str]:
    try:
        usage = certificate.extensions.get_extension_for_class(ExtendedKeyUsage)
    except (ExtensionNotFound, ValueError):  # an empty list of usages, too, is refused as damaged
        return ()
    except (DuplicateExtension, UnsupportedGeneralNameType):
        raise KeyFormError("a certificate with extensions that cannot be told") from None
    return [each.dotted_string for each in usage.value]

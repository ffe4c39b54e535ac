"""Public keys, and what each may verify; the one place here that knows cryptography.

A key verifies with the one algorithm that it is for, whatever a message says of itself: so nobody
can choose a weaker one, or none, for us.
"""

from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    SECP384R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.passes.trust import Algorithm

_RSA_BITS: Final = range(2048, 4097)


class KeyFormError(Exception):
    """It is no key that anything could be verified with; the text says why."""


class VerifyingKey:
    """A public key with the one algorithm it is for."""

    def __init__(
        self, key: Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey, algorithm: Algorithm
    ) -> None:
        self.algorithm = algorithm
        self._key = key

    def verifies(self, algorithm: Algorithm | None, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is of `message`, by this key and in its way."""
        if algorithm is not self.algorithm:
            return False
        try:
            self._verify(message, signature)
        except InvalidSignature:
            return False
        return True

    def _verify(self, message: bytes, signature: bytes) -> None:
        match self._key:
            case Ed25519PublicKey():
                self._key.verify(signature, message)
            case EllipticCurvePublicKey():
                half = self._key.key_size // 8  # r and s, each as long as the key: RFC 9053, 2.1
                if len(signature) != 2 * half:
                    raise InvalidSignature
                r, s = (
                    int.from_bytes(each, "big") for each in (signature[:half], signature[half:])
                )
                self._key.verify(encode_dss_signature(r, s), message, ECDSA(SHA256()))
            case _:
                pss = padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size)
                self._key.verify(signature, message, pss, SHA256())

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the key itself."""
        if isinstance(self._key, Ed25519PublicKey):
            return sha256(self._key.public_bytes_raw()).digest()
        spki = self._key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return sha256(spki).digest()


def of_ed25519(x: bytes) -> VerifyingKey:
    """The key whose 32 bytes are `x`.

    Raises:
        KeyFormError: they are no key.
    """
    try:
        return VerifyingKey(Ed25519PublicKey.from_public_bytes(x), Algorithm.EDDSA)
    except ValueError:
        raise KeyFormError(f"an Ed25519 key has 32 bytes, found {len(x)}") from None


def of_p256(x: bytes, y: bytes) -> VerifyingKey:
    """The key that is the point (`x`, `y`) of the curve P-256.

    Raises:
        KeyFormError: the point is not on it.
    """
    numbers = EllipticCurvePublicNumbers(
        int.from_bytes(x, "big"), int.from_bytes(y, "big"), SECP256R1()
    )
    try:
        return VerifyingKey(numbers.public_key(), Algorithm.ES256)
    except ValueError:
        raise KeyFormError("x and y are no point of the curve P-256") from None


def of_key(key: object) -> VerifyingKey:
    """What `cryptography` made of a key, as in a certificate.

    Raises:
        KeyFormError: it is of a kind, or of a size, that is not used here.
    """
    match key:
        case Ed25519PublicKey():
            return VerifyingKey(key, Algorithm.EDDSA)
        case EllipticCurvePublicKey() if isinstance(key.curve, SECP256R1 | SECP384R1):
            return VerifyingKey(key, Algorithm.ES256)  # COSE has SHA-256 with either
        case RSAPublicKey() if key.key_size in _RSA_BITS:
            return VerifyingKey(key, Algorithm.PS256)
    raise KeyFormError("neither Ed25519, nor on P-256 or P-384, nor RSA of 2048 to 4096 bits")

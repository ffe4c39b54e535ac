"""Those who certify somebody's health, with keys of their own: for the EU, for SMART, for ICAO."""

import json
import zlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from gateway.passes import base45
from tests.passes.issuing import DAY, NOW, base64url

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | Ed25519PrivateKey
EU_USES = {"t": "1.3.6.1.4.1.1847.2021.1.1", "v": "1.3.6.1.4.1.1847.2021.1.2"}
EU_USES |= {"r": "1.3.6.1.4.1.0.1847.2021.1.3"}
SHC_ISSUER = "https://health.example.org/issuer"

_ALWAYS = {"tg": "840539006", "co": "AT", "is": "Ministry", "ci": "URN:UVCI:01:AT:1#B"}
ENTRIES: dict[str, dict[str, Any]] = {
    "t": _ALWAYS
    | {"tt": "LP6464-4", "sc": "2026-03-17T12:34:56Z", "tr": "260415000", "tc": "Test centre 1"},
    "v": _ALWAYS
    | {"vp": "1119349007", "mp": "EU/1/20/1528", "ma": "ORG-100030215"}
    | {"dn": 1, "sd": 2, "dt": "2026-02-18"},
    "r": _ALWAYS | {"fr": "2026-01-20", "df": "2026-02-04", "du": "2026-08-04"},
}


@cache
def ec_key(name: str = "signer", curve: type[ec.EllipticCurve] = ec.SECP256R1) -> Any:
    """The same key for the same name."""
    secret = int.from_bytes(sha256(name.encode()).digest(), "big") >> 1
    return ec.derive_private_key(secret, curve())


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """Made once a run."""
    return rsa.generate_private_key(65537, bits)


def certificate(
    key: Key,
    uses: Iterable[str] = (),
    *,
    issuer: ec.EllipticCurvePrivateKey | None = None,
    days: int = 365,
) -> bytes:
    """One in DER, for `uses` by their object identifiers; by `issuer`, or by itself."""
    begin = datetime.fromtimestamp(NOW, UTC) - timedelta(days=1)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signer")])
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(authority if issuer is key else name)
        .issuer_name(authority if issuer else name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=days))
    )
    if usages := [x509.ObjectIdentifier(each) for each in uses]:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    signing = issuer or (key if isinstance(key, ec.EllipticCurvePrivateKey) else ec_key("any"))
    return builder.sign(signing, SHA256()).public_bytes(Encoding.DER)


def sign(key: Key, message: bytes) -> bytes:
    """As JOSE and COSE have it: ES256, PS256 or EdDSA, by the key."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(message)
    numbers = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256())))
    return b"".join(each.to_bytes(key.key_size // 8, "big") for each in numbers)


def algorithm(key: Key) -> int:
    """Its number in COSE."""
    if isinstance(key, rsa.RSAPrivateKey):
        return -37
    return -8 if isinstance(key, Ed25519PrivateKey) else -7


def content(kind: str = "v", **entry: Any) -> dict[str, Any]:
    """What a certificate says; `entry`: what its entry says otherwise."""
    names = {"fn": "Musterfrau-Gößinger", "fnt": "MUSTERFRAU<GOESSINGER"}
    names |= {"gn": "Gabriele", "gnt": "GABRIELE"}
    changed = ENTRIES[kind] | entry
    said = {name: value for name, value in changed.items() if value is not None}
    return {"ver": "1.3.0", "nam": names, "dob": "1998-02-26", kind: [said]}


def cose(
    key: Key,
    claims: object,
    protected: dict[int, Any],
    unprotected: dict[int, Any] | None = None,
    *,
    tags: Iterable[int] = (18,),
) -> bytes:
    """A COSE_Sign1 of `claims`, with `tags` around it, the innermost first."""
    header = cbor2.dumps(protected) if protected else b""
    payload = cbor2.dumps(claims)
    signature = sign(key, cbor2.dumps(["Signature1", header, b"", payload]))
    message: Any = [header, unprotected or {}, payload, signature]
    for tag in tags:
        message = cbor2.CBORTag(tag, message)
    return cbor2.dumps(message)


def eu(
    said: Any = None,
    *,
    key: Key | None = None,
    der: bytes | None = None,
    issued: float = NOW - DAY,
    end: float = NOW + DAY,
    **claims: Any,
) -> bytes:
    """The text of an EU certificate by the owner of `key`, whose certificate is `der`."""
    key = key or ec_key()
    kid = sha256(der or certificate(key)).digest()[:8]
    hcert = {1: content() if said is None else said}
    payload = {1: "AT", 4: end, 6: issued, -260: hcert} | claims
    return coded(cose(key, payload, {1: algorithm(key), 4: kid}))


def coded(message: bytes) -> bytes:
    """As EU certificates are: compressed, in Base45, behind their prefix."""
    return b"HC1:" + base45.encode(zlib.compress(message))


def jws(key: Key, claims: dict[str, Any], **header: Any) -> bytes:
    """A JWS with a compressed payload, as SMART Health Cards are."""
    head = {"alg": "ES256", "zip": "DEF", "kid": "first"} | header
    deflate = zlib.compressobj(wbits=-15)
    payload = deflate.compress(json.dumps(claims).encode()) + deflate.flush()
    message = f"{base64url(json.dumps(head).encode())}.{base64url(payload)}".encode()
    return message + b"." + base64url(sign(key, message)).encode()


def smart(key: Key | None = None, header: dict[str, Any] | None = None, **claims: Any) -> bytes:
    """The text of a SMART Health Card."""
    said = {"iss": SHC_ISSUER, "nbf": NOW - DAY + 0.5, "vc": {"type": [], "credentialSubject": {}}}
    return digits(jws(key or ec_key(), said | claims, **header or {}))


def digits(text: bytes) -> bytes:
    """As cards write it."""
    return b"shc:/" + b"".join(b"%02d" % (each - 45) for each in text)


def seal(
    key: Key,
    der: bytes,
    message: dict[str, Any] | None = None,
    **signature: str,
) -> bytes:
    """The text of one of ICAO's visible digital seals, with the signer's certificate `der`."""
    said = {"uvci": "U32870", "pid": {"n": "Smith Bill", "dob": "1990-01-02"}, "ve": []}
    data = {"hdr": {"t": "icao.vacc", "v": 1, "is": "UTO"}, "msg": message or said}
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    signed = urlsafe_b64encode(sign(key, text.encode())).decode()
    sig = {"alg": "ES256", "sigvl": signed, "cer": urlsafe_b64encode(der).decode()} | signature
    return json.dumps({"data": data, "sig": sig}, separators=(",", ":")).encode()


def listed(*ders: bytes) -> list[dict[str, str]]:
    """Certificates as a document lists them."""
    return [{"certificate": b64encode(each).decode()} for each in ders]


def card_key(key: ec.EllipticCurvePrivateKey, kid: str = "first") -> dict[str, str]:
    """The public half, as a document lists it."""
    numbers = key.public_key().public_numbers()
    x, y = (base64url(each.to_bytes(32, "big")) for each in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "sig", "alg": "ES256"}

"""The document that gates know issuers by, changed in its file: a key more, a pass less."""

import json
import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway import durably
from gateway.errors import GatewayError
from gateway.passes import keys
from gateway.passes.document import IssuerEntry, PassesDocument, load, understand
from gateway.passes.form import to_base64url


def read(path: Path) -> PassesDocument:
    """The document in `path`; an empty one if there is none.

    Raises:
        DocumentError: it cannot be used.
    """
    return load(path) if path.exists() else PassesDocument()


def issuer_of(document: PassesDocument, public: Ed25519PublicKey) -> tuple[IssuerEntry, bytes]:
    """Whose key it is, and what passes call it by.

    Raises:
        GatewayError: the document does not know it.
    """
    fingerprint = keys.of_key(public).fingerprint
    for issuer in document.issuers:
        for kid, key in issuer.by_kid().items():
            if key.fingerprint == fingerprint:
                return issuer, kid
    raise GatewayError(
        "the document does not know this key; checkpoint-gateway pass keygen adds one"
    )


def with_key(
    path: Path, name: str, place: str | None, public: Ed25519PublicKey
) -> tuple[dict[str, Any], str]:
    """The document in `path` with a key of the issuer `name`; and what passes will call that by.

    Raises:
        GatewayError: the place of a new issuer is missing, or the result is no document.
    """
    tables = _tables(read(path))
    issuer = _find(tables, name)
    if issuer is None:
        if place is None:
            raise GatewayError(f"{name} is not in {path} yet: where may it issue passes? --place")
        issuer = {"name": name, "place": place, "keys": []}
        tables.setdefault("issuers", []).append(issuer)
    raw = public.public_bytes_raw()
    kid = keys.of_ed25519(raw).fingerprint[:4].hex()
    issuer["keys"].append({"kty": "OKP", "crv": "Ed25519", "x": to_base64url(raw), "kid": kid})
    understand(tables)
    return tables, kid


def revoke(path: Path, name: str, *, number: str | None, subject: str | None, now: int) -> None:
    """Take back a pass by its number, or all that `subject` was issued up to `now`.

    Raises:
        GatewayError: there is no such issuer, or the result is no document.
    """
    tables = _tables(load(path))
    issuer = _find(tables, name)
    if issuer is None:
        raise GatewayError(f"{name} is not in {path}")
    revoked = issuer.setdefault("revoked", {})
    if number is not None:
        passes = revoked.setdefault("passes", [])
        revoked["passes"] = [*passes, *({number.lower()} - {*passes})]
    else:
        others = [each for each in revoked.get("subjects", ()) if each["sub"] != subject]
        revoked["subjects"] = [*others, {"sub": subject, "until": now}]
    write(path, tables)


def _tables(document: PassesDocument) -> dict[str, Any]:
    return document.model_dump(mode="json", exclude_defaults=True) | {
        "issuers": [each.model_dump(mode="json", exclude_unset=True) for each in document.issuers]
    }


def _find(tables: dict[str, Any], name: str) -> dict[str, Any] | None:
    return next((each for each in tables.get("issuers", ()) if each["name"] == name), None)


def write(path: Path, tables: dict[str, Any]) -> None:
    """Put the document into `path`.

    Raises:
        GatewayError: it is none, or cannot be written.
    """
    understand(tables)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    text = json.dumps(tables, indent=1, ensure_ascii=False) + "\n"
    try:
        durably.write(path, text.encode())
        os.chmod(path, mode)
    except OSError as error:
        raise GatewayError(f"{path} cannot be written: {error.strerror}") from error

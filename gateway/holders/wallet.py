"""Real codes for the people of a day, and what a gate has to trust to read them."""

import base64
import random
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.events import Class
from gateway.holders.holder import Holder, Sort
from gateway.passes import own
from gateway.passes.claims import Claims

_ISSUER: Final = "community-003"
_KID: Final = bytes.fromhex("5e01aa07")
_HEALTH_CODE: Final = "https://health.example/code/"
_STRANGE: Final = "https://pay.example/"
_DAY_S: Final = 86_400


class Wallet:
    """Issues the codes; the same seed has the same keys. They sign for nothing but simulations."""

    def __init__(self, seed: int, midnight_s: int, place: str) -> None:
        rng = random.Random(f"keys {seed}")
        self._key = Ed25519PrivateKey.from_private_bytes(rng.randbytes(32))
        self._other = Ed25519PrivateKey.from_private_bytes(rng.randbytes(32))
        self._midnight_s = midnight_s
        self._place = place
        self._elsewhere = f"{place.rpartition('/')[0]}/elsewhere"
        self._made: dict[Holder, bytes] = {}

    def code(self, holder: Holder) -> bytes:
        """What is on the code; the same person shows the same."""
        if holder not in self._made:
            self._made[holder] = self._issue(holder)
        return self._made[holder]

    def trust(self, revoked: list[Holder]) -> dict[str, Any]:
        """The document `passes` for this gate."""
        public = self._key.public_key().public_bytes_raw()
        key = {"kty": "OKP", "crv": "Ed25519", "x": _base64url(public), "kid": _KID.hex()}
        issuer = {
            "name": _ISSUER,
            "place": self._place.rpartition("/")[0],
            "keys": [key],
            "revoked": {"passes": [_number(each).hex() for each in revoked]},
        }
        return {"issuers": [issuer], "health_codes": [_HEALTH_CODE]}

    def _issue(self, holder: Holder) -> bytes:
        if holder.sort is Sort.HEALTH_CODE:
            return f"{_HEALTH_CODE}{holder.number}".encode()
        if holder.sort is Sort.STRANGE:
            return f"{_STRANGE}{holder.number}".encode()
        signing = self._other if holder.sort is Sort.FORGED else self._key
        return own.write(self._claims(holder), _KID, signing.sign)

    def _claims(self, holder: Holder) -> Claims:
        judged = holder.judged()
        issued = self._midnight_s - 20 * _DAY_S
        days = 10 if holder.sort is Sort.EXPIRED else 60
        return Claims(
            issuer=_ISSUER,
            subject=holder.name,
            places=(self._elsewhere if holder.sort is Sort.FOREIGN else self._place,),
            kind=Class.RESIDENT if holder.sort is Sort.FORGED else judged.class_,
            issued=issued,
            begin=issued,
            end=issued + days * _DAY_S,
            number=_number(holder),
            role=judged.role,
            registered=judged.registered,
        )


def _number(holder: Holder) -> bytes:
    return list(Sort).index(holder.sort).to_bytes(1, "big") + holder.number.to_bytes(7, "big")


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

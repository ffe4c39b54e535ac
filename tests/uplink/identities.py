"""Certificates of every kind, good and bad, and brokers that ask for them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import trustme

from gateway.clock import Stamp, TimeQuality
from gateway.config import TlsConfig
from tests.brokers import Mosquitto, mosquitto

NAME = "410102011003007"


def at(year: int, quality: TimeQuality = TimeQuality.UNSYNC) -> Stamp:
    """A moment in the middle of `year`."""
    return Stamp(ms(year), quality, "boot", 0)


def ms(year: int) -> int:
    """The middle of `year`, in ms since 1970."""
    return round(datetime(year, 7, 1, tzinfo=UTC).timestamp() * 1000)


def day(year: int) -> datetime:
    """The first day of `year`."""
    return datetime(year, 1, 1, tzinfo=UTC)


class Identities:
    """One authority and what it has issued, as files in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.authority = trustme.CA()
        self.ca_file = directory / "ca.pem"
        self.authority.cert_pem.write_to_path(self.ca_file)

    def client(
        self,
        name: str = NAME,
        *,
        authority: trustme.CA | None = None,
        before: datetime | None = None,
        after: datetime | None = None,
    ) -> TlsConfig:
        """The configuration of a client with a certificate of its own."""
        issuer = authority or self.authority
        issued = issuer.issue_cert(common_name=name, not_before=before, not_after=after)
        key, cert = self._directory / f"{name}.key", self._directory / f"{name}.pem"
        issued.private_key_pem.write_to_path(key)
        key.chmod(0o600)
        cert.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
        return TlsConfig(ca_file=self.ca_file, cert_file=cert, key_file=key)

    def anonymous(self) -> TlsConfig:
        """The configuration of a client without a certificate."""
        return TlsConfig(ca_file=self.ca_file)

    @asynccontextmanager
    async def broker(
        self,
        *settings: str,
        name: str = "127.0.0.1",
        authority: trustme.CA | None = None,
        before: datetime | None = None,
        after: datetime | None = None,
    ) -> AsyncIterator[Mosquitto]:
        """A mosquitto with TLS whose certificate is for `name`."""
        issuer = authority or self.authority
        issued = issuer.issue_cert(name, not_before=before, not_after=after)
        key, chain = self._directory / "broker.key", self._directory / "broker.pem"
        issued.private_key_pem.write_to_path(key)
        chain.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
        files = (f"certfile {chain}", f"keyfile {key}", f"cafile {self.ca_file}")
        settings = settings or ("allow_anonymous true",)
        async with mosquitto(self._directory, *settings, *files) as broker:
            yield broker


MUTUAL = ("require_certificate true", "use_identity_as_username true", "allow_anonymous false")
"""Settings of a broker that knows its clients by their certificates."""

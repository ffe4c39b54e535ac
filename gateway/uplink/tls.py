"""TLS as this program does it: version 1.2 or newer, name and chain always verified."""

import logging
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from gateway.clock import Stamp, TimeQuality
from gateway.config import TlsConfig
from gateway.errors import LinkError

_log = logging.getLogger(__name__)

_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME in <openssl/x509_vfy.h>; the ssl module passes it on by number."""
_TOO_EARLY, _TOO_LATE = 9, 10
"""X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""
_DAY_S = 86_400
_WARN_DAYS = 30


_REFUSALS = ("certificate", "unknown ca", "access denied")
"""In the words of those alerts that are about who we are (RFC 8446, 6.2): a bad record is not."""


class _Socket(ssl.SSLSocket):
    """Remembers why the other end refused it: paho asks for bytes and drops the reason."""

    alert: str | None = None

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            words = (error.reason or "").lower().replace("_", " ")
            if any(each in words for each in _REFUSALS):
                self.alert = words
            raise

    def send(self, data: Any, flags: int = 0) -> int:
        try:
            return super().send(data, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError:
            with suppress(OSError):
                self.recv(1)  # whoever hangs up on us may have said why, and it waits unread
            raise


@dataclass(frozen=True, slots=True)
class Tls:
    """What a connection needs: the strict context, and what to do where the clock is not right.

    `lenient` differs from `strict` in that OpenSSL does not look at the time; it is for a clock
    that is known not to be set, and `admit` then looks at the time that is known instead.
    """

    strict: ssl.SSLContext
    lenient: ssl.SSLContext
    now: Stamp
    floor_ms: int

    def may_relent(self, error: OSError) -> bool:
        """Whether the handshake failed only because this clock has not been set.

        Raises:
            LinkError: so it did, and nothing better than the clock is known.
        """
        timing = (_TOO_EARLY, _TOO_LATE)
        if not isinstance(error, ssl.SSLCertVerificationError) or error.verify_code not in timing:
            return False
        if self.now.quality is not TimeQuality.UNSYNC:
            return False
        if not self.floor_ms:
            raise LinkError(
                f"its certificate cannot be checked: {error.verify_message}, but the clock says"
                f" {_day(self.now.wall_ms)} and was not set since this box started: waiting for"
                " the right time"
            )
        return True

    def admit(self, sock: ssl.SSLSocket) -> None:
        """Accept a certificate whose time OpenSSL did not look at. Nothing has been sent yet.

        The true time is at or after the floor: a certificate that had expired by then is expired.

        Raises:
            LinkError: it is.
        """
        certificate: Any = sock.getpeercert()
        until_ms = ssl.cert_time_to_seconds(certificate["notAfter"]) * 1000
        if until_ms < self.floor_ms:
            raise LinkError(
                f"its certificate has expired on {_day(until_ms)}; it is"
                f" {_day(self.floor_ms)} or later"
            )
        _log.info(
            "the clock says %s and was not set since this box started; the broker's certificate"
            " is valid to %s, and it is %s or later",
            _day(self.now.wall_ms),
            _day(until_ms),
            _day(self.floor_ms),
        )


def make_tls(config: TlsConfig, now: Stamp, floor_ms: int) -> Tls:
    """From the files that `config` names, read anew.

    Raises:
        LinkError: a file cannot be used.
    """
    lenient = _context(config)
    lenient.verify_flags |= _NO_CHECK_TIME
    return Tls(_context(config), lenient, now, floor_ms)


def _context(config: TlsConfig) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=config.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.sslsocket_class = _Socket
        if config.cert_file:
            context.load_cert_chain(config.cert_file, config.key_file)
    except OSError as error:  # ssl.SSLError is one
        files = [config.ca_file, config.cert_file, config.key_file]
        names = ", ".join(str(each) for each in files if each)
        raise LinkError(f"cannot use {names}: {error.strerror or error}") from error
    return context


def alert_of(sock: object) -> str | None:
    """Why the other end has refused the connection over `sock`, in TLS's words; None if it has
    said nothing."""
    return getattr(sock, "alert", None)


def expires(certificate: Path) -> datetime | None:
    """When the first certificate in a PEM file expires; None if that cannot be read."""
    try:
        return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None


def expiry_warning(config: TlsConfig | None, now: Stamp) -> str | None:
    """What to say if the client certificate ends within a month; None if it does not."""
    until = expires(config.cert_file) if config and config.cert_file else None
    if until is None or now.quality is TimeQuality.UNSYNC:
        return None
    days = int((until.timestamp() - now.wall_ms / 1000) // _DAY_S)
    if days >= _WARN_DAYS:
        return None
    left = f"expires in {days} days" if days >= 0 else "has expired"
    return f"{config and config.cert_file} {left}, on {until:%Y-%m-%d}"


def exposed(key_file: Path) -> str | None:
    """What to say if others than its owner and group can read a key, or its group change it."""
    try:
        mode = key_file.stat().st_mode & 0o777
    except OSError:
        return None
    if mode & 0o027:
        return f"{key_file} has the mode {mode:04o}: others may read it; make it 0640 or 0600"
    return None


def _day(wall_ms: float) -> str:
    return f"{datetime.fromtimestamp(wall_ms / 1000, UTC):%Y-%m-%d}"

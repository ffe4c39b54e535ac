"""Where a secret is read that only root can read: from the copy that systemd holds for us."""

from pathlib import Path

import pytest

from drivers.base import SECRETS
from gateway.config import TlsConfig


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "secrets_gate.key").write_text("the key")
    return tmp_path


def key_of(path: Path) -> Path | None:
    return TlsConfig(cert_file=Path("/etc/gate.pem"), key_file=path).key_file


def test_a_secret_is_read_from_its_copy(copies: Path) -> None:
    assert key_of(SECRETS / "gate.key") == copies / "secrets_gate.key"


@pytest.mark.parametrize("path", ["/etc/gate.key", "secrets/gate.key"])
def test_what_lies_elsewhere_is_read_there(copies: Path, path: str) -> None:
    assert key_of(Path(path)) == Path(path)


def test_a_secret_without_a_copy_is_looked_for_in_its_place(copies: Path) -> None:
    """It came after the start of the service: the message then names the place one knows."""
    assert key_of(SECRETS / "new.key") == SECRETS / "new.key"


def test_without_a_service_manager_a_secret_is_read_in_its_place() -> None:
    assert key_of(SECRETS / "gate.key") == SECRETS / "gate.key"

"""Where things lie on an installed box."""

from pathlib import Path

CONFIGURATION = Path("/etc/checkpoint-gateway/gateway.toml")
"""The configuration of the service."""

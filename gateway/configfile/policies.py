"""A policy in a TOML file: read like the configuration, every mistake at once with its line."""

from pathlib import Path

from gateway import configfile
from gateway.checkpoint.options import PolicyDocument
from gateway.checkpoint.policy import Policy, compiled
from gateway.configfile.validate import as_model


def read(path: Path) -> tuple[PolicyDocument, str]:
    """What is in the policy file `path`, and its version: the first 12 hexadecimal digits of the
    file's SHA-256.

    Raises:
        ConfigError: one line ``file:line: [table] key: what is wrong`` for each mistake.
    """
    source = configfile.read(path, "policy")
    document = configfile.checked(source, lambda data: as_model(PolicyDocument, data))
    return document, source.version


def load(path: Path) -> Policy:
    """The policy in the file `path`.

    Raises:
        ConfigError: as :func:`read` does.
    """
    return compiled(*read(path))

"""A journal that the box has already: whose it is, and how it is set aside.

A gateway's events all have its name. A journal that goes on under another name would deliver the
events of one gate as those of another.
"""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path

from gateway.config import Config
from gateway.errors import GatewayError
from gateway.inspect import look
from gateway.setup.durable import free_name, give, sync

KEY = "pseudonym.key"


@dataclass(frozen=True, slots=True)
class Former:
    """What a journal says of itself; ``waiting`` counts events that nobody has taken yet."""

    source: str
    waiting: int


def former(config: Config) -> Former | None:
    """Whose events the box keeps; None if there is none yet.

    Raises:
        GatewayError: the journal cannot be read.
    """
    path = _journal(config)
    try:
        if not path.exists():
            return None
    except OSError as error:
        raise GatewayError(f"the journal {path} cannot be looked at: {error.strerror}") from error
    stats = look.stats(path)
    waiting = stats.waiting + sum(stats.carried.values())
    for row in look.rows(path, look.latest(path, 1) + 1):
        if not isinstance(row, int):
            return Former(str(json.loads(row.body)["source"]), waiting)
    return None


def set_aside(config: Config) -> Path:
    """Move the journal and the key that belongs to it into a directory of their own.

    First all are there twice and only then once: a pulled plug parts nothing.

    Raises:
        GatewayError: the gateway is running, or the disk does not let it be done.
    """
    journal = _journal(config)
    state_dir = journal.parent
    parts = [*sorted(state_dir.glob(f"{journal.name}*")), *state_dir.glob(KEY)]
    try:
        with journal.with_name(f"{journal.name}.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            target = free_name(journal, "former-")
            target.mkdir(mode=0o750)
            give(target)
            for each in parts:
                os.link(each, target / each.name)
            sync([target, state_dir])
            for each in parts:
                each.unlink()
            sync([state_dir])
    except BlockingIOError as error:
        raise GatewayError(
            "the gateway is running: stop it first, with systemctl stop checkpoint-gateway"
        ) from error
    except OSError as error:
        raise GatewayError(f"cannot set {journal} aside: {error.strerror}") from error
    return target


def _journal(config: Config) -> Path:
    return config.gateway.state_dir / config.journal.file

"""Where the log goes: standard error, in a form that suits a terminal and systemd's journal."""

import logging
import os
import sys

_SYSLOG_LEVELS = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}


class _JournalFormatter(logging.Formatter):
    """`<level>text` in syslog's numbers, as sd-daemon(3) says; journald adds the time itself."""

    def format(self, record: logging.LogRecord) -> str:
        priority = f"<{_SYSLOG_LEVELS.get(record.levelname, 6)}>"
        # journald takes each line for a message of its own, so each needs the priority.
        return "\n".join(priority + line for line in super().format(record).splitlines())


def set_up(*, verbose: bool = False) -> None:
    """Log to standard error; with ``verbose`` down to DEBUG, which shows bytes in hex."""
    handler = logging.StreamHandler(sys.stderr)
    if _stderr_is_the_journal():
        handler.setFormatter(_JournalFormatter("%(name)s: %(message)s"))
    else:
        handler.setFormatter(
            logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
        )
    logging.basicConfig(handlers=[handler], level=logging.DEBUG if verbose else logging.INFO)
    logging.captureWarnings(capture=True)


def _stderr_is_the_journal() -> bool:
    """Whether $JOURNAL_STREAM names the very stream behind standard error, see systemd.exec(5)."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):  # closed, or replaced by something without a descriptor
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"

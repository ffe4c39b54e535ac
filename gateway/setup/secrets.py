"""Secrets that are typed: each becomes a file of its own, and never stands anywhere else."""

from pathlib import Path

from gateway.setup.dialogue import NONE
from gateway.setup.sheet import Sheet

TYPED = ("password_file", "credentials_file")
"""Options whose file holds what somebody can type."""


class Secrets:
    """What has been typed so far, by the name of the file that it is to stand in."""

    def __init__(self, sheet: Sheet, directory: Path) -> None:
        self.typed: dict[str, bytes] = {}
        self._sheet = sheet
        self._directory = directory

    def has(self, *path: str) -> bool:
        """Whether the option at ``path`` names a file whose content is known."""
        file = self._sheet.get(*path)
        return file is not None and (file in self.typed or Path(file).is_file())

    def ask(self, question: str, *path: str, name: str) -> None:
        """The secret of the option at ``path``, to be kept in the file ``name``."""
        sheet, is_kept = self._sheet, self.has(*path)
        nothing = "Enter keeps the one there is" if is_kept else "Enter for none"
        secret = sheet.dialogue.secret(f"{question} ({nothing}; {NONE} takes it away)")
        if secret and secret != NONE:
            file = str(self._directory / name)
            self.typed[file] = f"{secret}\n".encode()
            sheet.put(file, *path)
        elif secret == NONE or not is_kept:
            sheet.put(None, *path)

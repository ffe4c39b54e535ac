"""Questions in a terminal of any kind: a line out, a line in, nothing that moves.

Plain ASCII, because nobody knows what a terminal at the other end of ssh can show.
"""

import getpass
import io
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from gateway.errors import GatewayError

NONE: Final = "none"
"""What is typed, and shown as the default, where something can be left out."""

_HELP, _BACK = "?", "back"
_UNREADABLE: Final = "�"
_WIDTH: Final = 78


class Back(Exception):  # noqa: N818
    """Somebody wants to correct an earlier answer."""


Check = Callable[[str], Sequence[str]]
"""What is wrong with an answer, each in a sentence; nothing if it will do."""


def _anything(_: str) -> Sequence[str]:
    return ()


class Dialogue:
    """Asks until the answer will do."""

    def __init__(self) -> None:
        self.asked = 0
        """How many questions have been answered."""
        self.may_go_back = False
        """Whether there is something to go back to."""

    def open(self) -> None:
        """Take what comes: bytes in another encoding are no reason to end."""
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")

    def say(self, *lines: str) -> None:
        """Tell something."""
        for line in lines:
            print(line, flush=True)

    def ask(
        self, question: str, default: str | None, *, explain: str = "", check: Check = _anything
    ) -> str:
        """The answer, of which `check` finds nothing wrong.

        Raises:
            Back: instead of an answer.
            GatewayError: there will be none.
        """
        shown = "no default" if default is None else default
        while True:
            text = _heard(f"{question} [{shown}]: ")
            if text == _HELP:
                self.say(*_indented(explain or "Enter takes what stands in the brackets."))
                continue
            if text == _BACK:
                self._go_back()
                continue
            answer = text or default
            if answer is None:
                self.say("  ! this has no default and must be known; ? explains")
                continue
            unreadable = _UNREADABLE in answer
            wrong = ["not readable in this terminal's encoding"] if unreadable else check(answer)
            if not wrong:
                self.asked += 1
                return answer
            self.say(*(f"  ! {each}" for each in wrong))

    def confirm(self, question: str, default: bool, *, explain: str = "") -> bool:
        """Whether it is so."""
        words = {"yes": True, "y": True, "no": False, "n": False}

        def check(text: str) -> Sequence[str]:
            return [] if text.lower() in words else [f'found "{text}"; expected yes or no']

        shown = "yes" if default else "no"
        return words[self.ask(question, shown, explain=explain, check=check).lower()]

    def choose(
        self, question: str, choices: Iterable[str], default: str, *, explain: str = ""
    ) -> str:
        """One of the `choices`."""
        known = list(choices)

        def check(text: str) -> Sequence[str]:
            wanted = f"expected one of {', '.join(known)}"
            return [] if text in known else [f'found "{text}"; {wanted}']

        offered = f"{question} ({', '.join(known)})"
        return self.ask(offered, default, explain=explain, check=check)

    def secret(self, question: str) -> str:
        """What is typed without being shown; may be empty.

        Raises:
            Back: instead of it.
            GatewayError: there is nobody to type.
        """
        while True:
            try:
                text = _heard(f"{question}, not shown: ", hidden=True)
            except UnicodeDecodeError:
                self.say("  ! not readable in this terminal's encoding")
                continue
            if text == _BACK:
                self._go_back()
                continue
            if text != _HELP:
                self.asked += 1
                return text
            self.say("  It is kept in a file that only the gateway can read, and nowhere else.")

    def _go_back(self) -> None:
        if self.may_go_back:
            raise Back
        self.say("  ! there is nothing to go back to")


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  ")


def _heard(prompt: str, *, hidden: bool = False) -> str:
    try:
        if hidden and sys.stdin.isatty():
            return getpass.getpass(prompt)
        return input(prompt).strip()
    except EOFError as error:
        print()
        raise GatewayError("the input has ended before all was answered") from error

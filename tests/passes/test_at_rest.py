"""A gate that judges no codes does not pay for it: nothing of this is loaded."""

import subprocess
import sys

_HEAVY = ("gateway.passes.judging", "gateway.resolving", "cbor2", "aiohttp", "PIL", "segno")


def test_the_program_starts_without_what_only_passes_need() -> None:
    script = f"import sys, gateway.app; print([each for each in {_HEAVY} if each in sys.modules])"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_help_is_there_where_cards_cannot_be_drawn() -> None:
    script = (
        "import sys; sys.modules.update(dict.fromkeys(('PIL', 'segno', 'cbor2', 'cryptography')))\n"
        "from gateway.cli import command_line; print(command_line().format_help())"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "issue, print, inspect and revoke passes" in done.stdout

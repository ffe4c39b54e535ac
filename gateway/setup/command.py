"""Carries out `checkpoint-gateway setup`: from whichever source, to a configuration in force."""

import argparse
import sys
import tomllib
from pathlib import Path

from gateway import configfile
from gateway.devices.sysfs import Roots
from gateway.errors import ConfigError, GatewayError
from gateway.setup import document, swap
from gateway.setup.contents import gather, secrets_of
from gateway.setup.dialogue import Dialogue
from gateway.setup.durable import make_directory, overwrite
from gateway.setup.guide import Guide
from gateway.setup.meaning import Tables
from gateway.setup.packing import of_answers
from gateway.setup.parcel import Parcel
from gateway.setup.placing import (
    Consent,
    Plan,
    carry_out,
    is_sample,
    objections,
    plan,
    tables_of,
)
from gateway.setup.secrets import Secrets
from gateway.setup.sheet import Sheet

EXIT_FAILED = 1

_WELCOME = (
    "The first configuration of this gate. Enter takes what stands in [brackets], ? explains,",
    "back goes back, Ctrl-C breaks off: what was answered is kept, and nothing is changed.",
)


def run(chosen: argparse.Namespace, roots: Roots | None = None) -> int:
    """Do what was `chosen`; the exit code.

    Raises:
        ConfigError: answers, or what was brought, have mistakes.
        GatewayError: it cannot be done.
    """
    dialogue = Dialogue()
    dialogue.open()
    match chosen.asked:
        case "backup":
            return swap.backup(chosen, dialogue)
        case "code":
            return swap.make_code(chosen, dialogue)
        case "restore":
            parcel = swap.from_backup(chosen, dialogue)
            _place(plan(parcel, chosen.file), chosen, dialogue)
            dialogue.say(*swap.WARNING)
            return 0
        case _:
            return _configure(chosen, dialogue, roots or Roots())


def _configure(chosen: argparse.Namespace, dialogue: Dialogue, roots: Roots) -> int:
    parcel = None
    if chosen.answers:
        parcel = of_answers(chosen.answers, chosen.gate)
    elif chosen.code:
        parcel = swap.from_code(chosen, dialogue)
    elif chosen.gate:
        raise GatewayError("--gate says for which gate --answers are: name their file, too")
    if parcel is None or (chosen.code and "devices" not in tables_of(parcel)):
        return _guided(chosen, dialogue, roots, parcel)
    planned = plan(parcel, chosen.file)
    if chosen.test and not _passed(parcel, dialogue, attended=False):
        raise GatewayError("nothing has been written; --no-test writes it all the same")
    _place(planned, chosen, dialogue)
    return 0


def _guided(
    chosen: argparse.Namespace, dialogue: Dialogue, roots: Roots, parcel: Parcel | None
) -> int:
    """Ask for what the parcel does not say; until it has been tried and written."""
    file: Path = chosen.file
    make_directory(file.absolute().parent, 0o755)
    draft = file.with_name(f".{file.name}.unfinished")
    dialogue.say(*_WELCOME)
    tables = tables_of(parcel) if parcel else _former(file, draft, dialogue)
    sheet = Sheet(dialogue, tables)
    secrets = Secrets(sheet, secrets_of(file))
    secrets.typed |= parcel.files if parcel else {}
    known = list(tables) if parcel else []

    def keep() -> None:
        overwrite(draft, document.bare(sheet.tables).encode())

    try:
        while True:
            Guide(sheet, secrets, roots, keep).run(known)
            made = _packed(sheet, secrets, parcel)
            planned = plan(made, file)
            if _satisfied(made, chosen, dialogue):
                break
    except KeyboardInterrupt:
        dialogue.say("", "Broken off; nothing has been changed. The same command goes on.")
        raise
    _place(planned, chosen, dialogue)
    draft.unlink(missing_ok=True)
    dialogue.say(
        "For the next gate with the same devices: checkpoint-gateway setup --answers",
        f"  {file} --gate CODE",
    )
    return 0


def _former(file: Path, draft: Path, dialogue: Dialogue) -> Tables:
    """What the questions begin with: answers of before, or the configuration in force."""
    if draft.exists() and dialogue.confirm(
        "There are answers of a setup that was broken off. Go on with them?", True
    ):
        return tomllib.loads(draft.read_text())
    if not file.exists() or is_sample(file):
        return {}
    try:
        configfile.load(file)
    except ConfigError:
        dialogue.say(f"{file} has mistakes and is not looked at: see checkpoint-gateway check")
    else:
        if dialogue.confirm(f"Begin with what {file} says now?", True):
            return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    return {}


def _packed(sheet: Sheet, secrets: Secrets, parcel: Parcel | None) -> Parcel:
    files, mistakes = gather(sheet.tables, Path(), secrets.typed)
    if mistakes:
        raise GatewayError("; ".join(mistakes))
    text, key = document.bare(sheet.tables), parcel.key if parcel else None
    return Parcel(sheet.get("gateway", "id"), text, files, key)


def _satisfied(made: Parcel, chosen: argparse.Namespace, dialogue: Dialogue) -> bool:
    """Whether it may be written: it works, or somebody wants it all the same."""
    explain = "Each device must answer, and the broker do what a gateway needs of it."
    if not chosen.test or not dialogue.confirm("Try it all now?", True, explain=explain):
        return True
    if _passed(made, dialogue, attended=True):
        return True
    explain = "no leads back to the questions, with your answers as their defaults."
    return dialogue.confirm("Write it all the same?", False, explain=explain)


def _passed(parcel: Parcel, dialogue: Dialogue, *, attended: bool) -> bool:
    from gateway.setup import trials

    return trials.passed(parcel, dialogue, attended=attended)


def _place(planned: Plan, chosen: argparse.Namespace, dialogue: Dialogue) -> None:
    given = {"replace": chosen.replace, "set_aside": chosen.set_aside}
    for name, text in objections(planned).items():
        if given[name]:
            continue
        if not sys.stdin.isatty():
            raise GatewayError(f"{text}: --{name.replace('_', '-')} allows that")
        if not dialogue.confirm(f"{text}. Go on?", name == "replace"):
            raise GatewayError("nothing has been written")
        given[name] = True
    dialogue.say(*carry_out(planned, Consent(**given)))
    dialogue.say(
        f"Look it over with: checkpoint-gateway check {planned.file}",
        "Start it with:",
        "  systemctl enable checkpoint-gateway && systemctl restart checkpoint-gateway",
    )

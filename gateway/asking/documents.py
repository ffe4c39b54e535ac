"""Carries out `checkpoint-gateway documents …`.

The service cannot read what a technician's stick or home directory holds. So files are laid into a
directory of its own, and it takes them from there: at once, or when it is started.
"""

import argparse
import asyncio
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.asking.socket import ask, state_dir
from gateway.control import Answer, NoAnswerError, Status
from gateway.errors import GatewayError

_INCOMING = Path("documents", "incoming")
"""In the state directory; see `gateway.documents`."""


def run(chosen: argparse.Namespace) -> str:
    """Do what was `chosen`; what there is to say.

    Raises:
        GatewayError: it cannot be done, in one sentence.
    """
    match chosen.asked:
        case "list":
            return "\n".join(map(_line, _asked(chosen.file, {"do": "list"}).body))
        case "apply":
            _lay_down(chosen.documents, state_dir(chosen.file) / _INCOMING)
            return _taken(chosen.file)
        case _:
            return _asked(chosen.file, {"do": "roll-back", "name": chosen.name}).text


def _taken(file: Path) -> str:
    try:
        return _asked(file, {"do": "take"}).text
    except NoAnswerError as error:
        return f"{error}\nthe documents are taken when it is started"


def _asked(file: Path, request: dict[str, Any]) -> Answer:
    answer = asyncio.run(ask(file, "documents", request))
    if answer.status is not Status.DONE:
        raise GatewayError(answer.text)
    return answer


def _lay_down(files: Sequence[Path], incoming: Path) -> None:
    if not incoming.is_dir():
        raise GatewayError(f"no gateway has worked here yet: there is no directory {incoming}")
    for number, path in enumerate(files, 1):
        target = incoming / f"{number:03}-{path.stem}.json"
        try:
            with path.open("rb") as source, target.with_suffix(".new").open("wb") as copy:
                shutil.copyfileobj(source, copy)
            target.with_suffix(".new").chmod(0o644)  # it may be root's, and the service is not
            target.with_suffix(".new").rename(target)
        except OSError as error:
            raise GatewayError(f"{path} cannot be taken: {error.strerror}") from error


def _line(document: Mapping[str, Any]) -> str:
    words = document["version"] or "none"
    if document["expires"]:
        words += f", until {document['expires']}"
    if document["pending"]:
        words += f"; from {document['effective']} on {document['pending']}"
    return f"{document['name']:<12} {words}"

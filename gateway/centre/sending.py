"""Signs what a gateway is to be given, and sends it: orders, and documents."""

import argparse
import asyncio
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any

from gateway.canonical import canonical, read
from gateway.centre.connecting import options_of
from gateway.errors import GatewayError, LinkError
from gateway.messages import Message
from gateway.output import plain
from gateway.signing import Purpose, read_private, sign
from gateway.topics import ROOT
from gateway.uplink.client import LinkOptions
from gateway.uplink.link import FAILURE, open_link

_LARGEST = 4 << 20


def run(chosen: argparse.Namespace) -> tuple[int, str]:
    """Do what was `chosen`; the exit code, and what there is to say.

    Raises:
        GatewayError: it cannot be done, in one sentence.
    """
    match chosen.asked:
        case "sign":
            text = json.dumps(_document(chosen), ensure_ascii=False, indent=1) + "\n"
            if chosen.output is None:
                return 0, text
            _write(chosen.output, text)
            return 0, f"{chosen.output}"
        case "publish":
            document = _object(chosen.document)
            topic = f"{ROOT}/{chosen.to}/down/document/{document.get('name')}"
            asyncio.run(_publish(options_of(chosen), topic, document))
            return 0, f"published on {plain(topic)}"
        case _:
            return _order(chosen)


def _document(chosen: argparse.Namespace) -> dict[str, Any]:
    body = _object(chosen.body)
    statement = {
        "name": chosen.name,
        "version": chosen.version_is,
        "sha256": sha256(canonical(body)).hexdigest(),
        "effective": chosen.effective or _now(),
    }
    if chosen.expires:
        statement["expires"] = chosen.expires
    if chosen.to:
        statement["for"] = chosen.to
    return {**sign(Purpose.DOCUMENT, statement, read_private(chosen.key)), "body": body}


def _order(chosen: argparse.Namespace) -> tuple[int, str]:
    gateway = chosen.to.rpartition("/")[2]
    members: dict[str, Any] = {
        "id": secrets.token_hex(8),
        "command": chosen.order,
        "args": dict(map(_argument, chosen.arg)),
        "issued": _now(),
        "ttl_s": chosen.ttl,
        "by": chosen.by,
        "gateway": gateway,
    }
    members |= {
        name: value
        for name in ("target", "reason", "since")
        if (value := getattr(chosen, name)) is not None
    }
    signed = sign(Purpose.COMMAND, members, read_private(chosen.key))
    answer = asyncio.run(_ordered(options_of(chosen), f"{ROOT}/{chosen.to}", signed))
    if answer is None:
        raise GatewayError(f"no answer within {chosen.ttl} s")
    well = answer.get("status") in (HTTPStatus.OK, HTTPStatus.ACCEPTED)
    return 0 if well else 1, json.dumps(answer, ensure_ascii=False)


async def _publish(options: LinkOptions, topic: str, document: Mapping[str, Any]) -> None:
    async with open_link(options) as link:
        code = await link.publish(topic, json.dumps(document).encode(), retain=True)
        await link.disconnect()
    if code >= FAILURE:
        raise LinkError(f"the broker does not take it: reason 0x{code:02x}")


async def _ordered(
    options: LinkOptions, base: str, signed: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The answer to an order; None if none comes while it counts."""
    answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def hear(message: Message) -> None:
        try:
            data = read(message.payload, most_bytes=_LARGEST).get("data")
        except ValueError:
            return
        if isinstance(data, dict) and data.get("id") == signed["id"]:
            answers.put_nowait(data)

    async with open_link(options) as link:
        if not await link.subscribe(f"{base}/up/reply", hear):
            raise LinkError(f"the broker refuses the subscription to {base}/up/reply")
        await link.publish(f"{base}/down/command", json.dumps(signed).encode())
        try:
            async with asyncio.timeout(signed["ttl_s"]):
                return await answers.get()
        except TimeoutError:
            return None
        finally:
            await link.disconnect()


def _argument(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _object(path: Path) -> dict[str, Any]:
    try:
        return read(path.read_bytes(), most_bytes=_LARGEST)
    except ValueError as error:
        raise GatewayError(f"{path} cannot be used: {error}") from error
    except OSError as error:
        raise GatewayError(f"{path} cannot be read: {error.strerror}") from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise GatewayError(f"{path} cannot be written: {error.strerror}") from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")

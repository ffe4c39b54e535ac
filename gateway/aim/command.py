"""Runs `aim`: finds the camera, looks through it, and brings what is seen to page and terminal."""

import asyncio
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from drivers.base import DeviceError
from drivers.camera import Config as CameraConfig
from drivers.camera.process import Eye
from drivers.eye.options import Options
from gateway import configfile
from gateway.aim.board import Board
from gateway.aim.page import Page
from gateway.aim.terminal import Terminal
from gateway.errors import GatewayError

_AGAIN_S = 2.0
"""The pause before a camera that has failed is opened again."""


def main(subject: str, *, device: str | None, listen: str, seconds: float | None) -> int:
    """Show the camera until Ctrl-C, or for ``seconds``; the exit code.

    ``subject`` is a configuration, of which ``device`` names a camera, or a camera's source.

    Raises:
        ConfigError: the configuration has mistakes.
        GatewayError: there is no such camera, or ``listen`` cannot be listened on.
    """
    options = camera(subject, device)
    asyncio.run(_aim(options, listen, seconds))
    return 0


def camera(subject: str, device: str | None) -> Options:
    """What ``subject`` and ``device`` mean.

    Raises:
        ConfigError, GatewayError: as for ``main``.
    """
    if not subject.endswith(".toml"):
        try:
            return Options(source=subject)
        except ValidationError as error:
            raise GatewayError(f"{subject}: {error.errors()[0]['msg']}") from error
    devices = configfile.load(Path(subject)).devices
    cameras = {name: each for name, each in devices.items() if isinstance(each, CameraConfig)}
    names = ", ".join(cameras) or "none"
    if device is None and len(cameras) == 1:
        return next(iter(cameras.values())).options
    if device is None:
        raise GatewayError(f"say which camera, with --device; {subject} has {names}")
    if device not in cameras:
        raise GatewayError(f'{subject} has no camera "{device}"; it has {names}')
    return cameras[device].options


async def _aim(options: Options, listen: str, seconds: float | None) -> None:
    board = Board()
    async with Page(board, listen) as page:
        with Terminal(board, page.url):
            try:
                async with asyncio.timeout(seconds):
                    await _look(options, board)
            except TimeoutError:
                return


async def _look(options: Options, board: Board) -> NoReturn:
    eye = Eye(options, aiming=True)
    while True:
        try:
            async with eye:
                await eye.ready()
                while True:
                    board.show(await eye.look())
        except DeviceError as error:
            board.fail(str(error))
        await asyncio.sleep(_AGAIN_S)

"""A process to be killed: runs a driver, carries out one command, and says when that is done."""

import ast
import asyncio
import os
import sys

from drivers import registry
from drivers.base import Command, DeviceObserved, DeviceState, Release, SwitchOutput
from tests.collecting import Collector
from tests.drivers.running import running


def parsed(text: str) -> Command:
    """The command whose ``repr`` this is."""
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call)
    kinds = {kind.__name__: kind for kind in (Release, SwitchOutput)}
    options = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
    return kinds[ast.unparse(call.func)](**options)


async def main(name: str, stanza: str, command: Command) -> None:
    entry = registry.load(name)
    driver = entry.driver("victim", entry.config.model_validate_json(stanza))
    readings = Collector()
    async with running(driver, readings):
        await readings.wait_for(
            lambda reading: (
                isinstance(reading, DeviceObserved) and reading.state is DeviceState.ONLINE
            )
        )
        await driver.execute(command)
        os.write(1, b"done\n")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], parsed(sys.argv[3])))

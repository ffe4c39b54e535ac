"""Any camera as a code reader: a device at this box, a network camera, a file for trials.

::

    eye (a process): source, newest frame, reading ──looks──> presence ──> CodeScanned
                                                         └──> conditions ─> DeviceObserved

Only the newest frame is ever looked at: somebody who has walked on is not worth a decision.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal, NoReturn

from pydantic import Field

from drivers.base import CodeScanned, DeviceConfig, DeviceObserved, DeviceState, Emit
from drivers.base import Driver as BaseDriver
from drivers.camera.conditions import RULES, Conditions, Rule
from drivers.camera.process import Eye
from drivers.eye.messages import Look
from drivers.eye.options import Options
from drivers.presence import Presence


class Config(Options, DeviceConfig):
    """A camera in front of which people hold up codes."""

    driver: Literal["camera"]
    gone_after_s: Annotated[float, Field(ge=0.2, le=60)] = 2.0
    """Out of the picture for this long, the same code counts as the next person's."""

    @property
    def options(self) -> Options:
        """What the eye needs to know."""
        return Options.model_validate(self.model_dump(include=set(Options.model_fields)))


class Driver(BaseDriver):
    """Watches the picture and reports each code once while it is held up."""

    def __init__(self, name: str, config: Config, rules: Sequence[Rule] = RULES) -> None:
        self._name = name
        self._eye = Eye(config.options)
        # These outlive a lost connection: who is still there afterwards has not come again.
        self._presence = Presence(config.gone_after_s)
        self._conditions = Conditions(rules)

    async def run(self, emit: Emit) -> NoReturn:
        """See :meth:`drivers.base.Driver.run`."""
        async with self._eye as eye:
            missing = "; ".join((await eye.ready()).missing)
            look = await eye.look()
            self.counters.online()
            usual = DeviceObserved(DeviceState.ONLINE)
            await emit(usual)
            if missing:
                usual = DeviceObserved(DeviceState.DEGRADED, missing)
                await emit(usual)
            if trouble := self._conditions.trouble:
                await emit(trouble)
            while True:
                await self._report(look, emit)
                if self._conditions.look(look):
                    await emit(self._conditions.trouble or usual)
                look = await eye.look()

    async def _report(self, look: Look, emit: Emit) -> None:
        codes = {code.payload: code for code in look.codes}
        for payload in self._presence.look(codes, look.taken_s):
            scanned = CodeScanned(payload, codes[payload].symbology, "camera", look.took_ms)
            await emit(scanned, age_s=asyncio.get_running_loop().time() - look.taken_s)

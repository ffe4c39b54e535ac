"""A loudspeaker at the gate: plays a recording of what is to be said, or has it spoken.

There is no protocol: the lowest layer is a program of the system. For each thing to be said and
each language

- ``SOUNDS/LANGUAGE/PROMPT.wav`` is played, if there is such a file: ``play`` with the file's path
  as the last argument; by default ``aplay``, ALSA's own player (package alsa-utils)
- else the program that ``speak`` names for the language is given the sentence, in UTF-8, on its
  standard input; for example ``espeak-ng --stdin``

Both run until the sound has ended and exit with 0. A recording says one sentence; what has other
words every time, as an announcement by the centre, can only be spoken.
"""

import asyncio
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from typing import Annotated, Final, Literal, NoReturn

from pydantic import Field, StringConstraints

from drivers.base import (
    Announce,
    Command,
    CommandError,
    DeviceConfig,
    DeviceError,
    DeviceObserved,
    DeviceState,
    Emit,
    FilePath,
    Language,
    Line,
    Urgency,
)
from drivers.base import Driver as BaseDriver
from drivers.speaker.player import HangError, PlayError, Sound, play

_STALE_S: Final = 5.0
"""So long something may wait for another to end; then whom it was for is gone."""

Program = Annotated[tuple[Line, ...], Field(min_length=1, max_length=32)]
"""A program, by name or path, and its arguments."""

_CLOCK = r"([01]\d|2[0-3]):[0-5]\d"
Hours = Annotated[
    str,
    StringConstraints(pattern=rf"^{_CLOCK}-{_CLOCK}$"),
    Field(json_schema_extra={"words": 'two times of day as "22:00-06:00"'}),
]
"""A part of each day, local time; over midnight, if it ends before it begins."""


class Config(DeviceConfig):
    """A loudspeaker, through a program that plays or speaks."""

    driver: Literal["speaker"]
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = ("zh-CN",)
    """In which languages everything is said, one after the other."""
    sounds: FilePath
    """Directory with a directory of recordings for each language: `zh-CN/pass.wav`, …"""
    play: Program = ("aplay", "--quiet")
    """What plays a recording; the file's path becomes its last argument."""
    speak: dict[Language, Program] = Field(default_factory=dict)
    """What speaks a text in a language; it is given the text on its standard input."""
    quiet: Hours | None = None
    """When nothing is said; local time. While the clock is not right it is never quiet."""
    alarms_always: bool = True
    """Whether alarms are said in quiet hours, too."""
    repeat_s: Annotated[float, Field(ge=0, le=600)] = 2.0
    """What has just been said is not said again for so many seconds."""
    longest_s: Annotated[float, Field(ge=1, le=120)] = 15.0
    """A sound that takes longer is ended, in seconds."""

    def is_quiet(self, urgency: Urgency, at: time | None) -> bool:
        """Whether something is not to be said at this local time; None is one that nobody knows."""
        if self.quiet is None or at is None or (self.alarms_always and urgency is Urgency.ALARM):
            return False
        begin, end = (time.fromisoformat(each) for each in re.findall(r"\d\d:\d\d", self.quiet))
        return begin <= at < end if begin <= end else at >= begin or at < end


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Something to be said, how, and since when it waits."""

    what: Announce
    sounds: Sequence[Sound]
    since: float


class Driver(BaseDriver):
    """Says one thing at a time: the most urgent first, of each lane only the newest."""

    presents = True

    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self._waiting: dict[str | None, _Waiting] = {}
        self._news = asyncio.Event()
        self._speaking: tuple[Announce, asyncio.Task[None]] | None = None
        self._said: dict[str, float] = {}
        self._at_work = False

    async def run(self, emit: Emit) -> NoReturn:
        """See :meth:`drivers.base.Driver.run`."""
        self._look()
        self.counters.online()
        await emit(DeviceObserved(DeviceState.ONLINE))
        self._at_work = True
        try:
            while True:
                self._news.clear()
                if waiting := self._next():
                    await self._say(waiting, emit)
                else:
                    await self._news.wait()
        finally:
            self._at_work = False
            self._waiting.clear()

    async def execute(self, command: Command) -> None:
        """See :meth:`drivers.base.Driver.execute`; it is not waited until something has been said.

        A sound that matters less is broken off.
        """
        if not isinstance(command, Announce):
            return await super().execute(command)
        if not self._at_work:
            raise CommandError("its player is not there")
        sounds = [self._sound(command, language) for language in self._config.languages]
        if self._config.is_quiet(command.urgency, command.at) or self._is_repeated(command):
            return None
        before = self._waiting.get(command.lane)
        if before is None or command.urgency >= before.what.urgency or self._is_stale(before):
            self._waiting[command.lane] = _Waiting(command, sounds, _now())
            self._news.set()
        if self._speaking is not None and command.urgency > self._speaking[0].urgency:
            self._speaking[1].cancel()
        return None

    def _look(self) -> None:
        """Whether everything is there that the configuration names."""
        config = self._config
        for program, *_ in (config.play, *config.speak.values()):
            if shutil.which(program) is None:
                raise DeviceError(f"there is no program {program}")
        if not config.sounds.is_dir():
            raise DeviceError(f"there is no directory {config.sounds}")

    def _next(self) -> _Waiting | None:
        """What is to be said now; what has waited for too long is forgotten."""
        for lane, each in list(self._waiting.items()):
            if self._is_stale(each):
                del self._waiting[lane]
        if not self._waiting:
            return None
        first = max(self._waiting.values(), key=lambda each: (each.what.urgency, -each.since))
        return self._waiting.pop(first.what.lane)

    async def _say(self, waiting: _Waiting, emit: Emit) -> None:
        speaking = asyncio.create_task(self._play(waiting.sounds))
        self._speaking = waiting.what, speaking
        self._said[_key(waiting.what)] = _now()
        try:
            await asyncio.wait([speaking])
        finally:
            self._speaking = None
            speaking.cancel()
            await asyncio.wait([speaking])
        if speaking.cancelled():  # something more urgent waits
            return
        try:
            speaking.result()
        except PlayError as error:
            self.counters.timeout += isinstance(error, HangError)
            await emit(DeviceObserved(DeviceState.DEGRADED, str(error)))
        else:
            await emit(DeviceObserved(DeviceState.ONLINE))

    async def _play(self, sounds: Sequence[Sound]) -> None:
        for sound in sounds:
            await play(sound, longest_s=self._config.longest_s)

    def _sound(self, announce: Announce, language: Language) -> Sound:
        """How it is heard in `language`.

        Raises:
            CommandError: it can be neither played nor spoken.
        """
        config = self._config
        recording = config.sounds.absolute() / language / f"{announce.prompt}.wav"
        if recording.is_file():
            return Sound((*config.play, str(recording)))
        if language in config.speak and language in announce.texts:
            return Sound(config.speak[language], announce.texts[language])
        raise CommandError(f"there is no recording of it in {language}, and nothing to speak it")

    def _is_repeated(self, announce: Announce) -> bool:
        recently = _now() - self._config.repeat_s
        self._said = {key: at for key, at in self._said.items() if at > recently}
        return _key(announce) in self._said

    def _is_stale(self, waiting: _Waiting) -> bool:
        return _now() - waiting.since > _STALE_S


def _now() -> float:
    return asyncio.get_running_loop().time()


def _key(announce: Announce) -> str:
    """The same for what sounds the same, wherever it is meant for."""
    return "\n".join((announce.prompt, *announce.texts.values()))

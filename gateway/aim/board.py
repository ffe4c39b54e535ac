"""What is shown at present, for the page and the terminal alike."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from drivers.eye.messages import Look, Measures
from gateway.aim.advice import advice, brightness_word, focus_word


@dataclass(frozen=True, slots=True)
class View:
    """One moment."""

    figures: dict[str, str]
    """What has been measured, each with its unit."""
    advice: list[str]
    picture: bytes | None = field(default=None, repr=False)
    """A JPEG."""


class Board:
    """Takes looks; whoever shows them waits for the next view."""

    def __init__(self) -> None:
        self.view = View({}, ["opening the camera"])
        self._changed = asyncio.Event()
        self._times_s: deque[float] = deque(maxlen=20)
        self._measures: Measures | None = None

    def show(self, look: Look) -> None:
        """Show what the eye has seen."""
        self._times_s.append(look.taken_s)
        self._measures = look.measures or self._measures
        said = advice(look, self._measures, self._fps)
        self._set(View(self._figures(look), said, look.picture))

    def fail(self, reason: str) -> None:
        """Show that the camera has failed."""
        self._times_s.clear()
        self._measures = None
        self._set(View({}, [reason]))

    async def next(self) -> View:
        """The next view after the present one."""
        await self._changed.wait()
        return self.view

    @property
    def _fps(self) -> float | None:
        times_s = self._times_s
        if len(times_s) < 2 or times_s[-1] == times_s[0]:
            return None
        return (len(times_s) - 1) / (times_s[-1] - times_s[0])

    def _figures(self, look: Look) -> dict[str, str]:
        figures = {"picture": f"{look.width} × {look.height}"}
        if (fps := self._fps) is not None:
            figures["frame rate"] = f"{fps:.1f} a second"
        if measures := self._measures:
            figures["focus"] = f"{measures.focus:.0f} ({focus_word(measures)})"
            figures["brightness"] = f"{measures.brightness:.0f} ({brightness_word(measures)})"
        size = look.module_px
        figures["module"] = "no code" if size is None else f"{size:.1f} pixels"
        decoders = ", ".join(sorted({code.decoder for code in look.codes}))
        figures["reader"] = f"{decoders} in {look.took_ms:.0f} ms" if decoders else "–"
        return figures

    def _set(self, view: View) -> None:
        self.view = view
        self._changed.set()
        self._changed = asyncio.Event()

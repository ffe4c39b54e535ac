"""The figures in the terminal, for those who are connected by ssh."""

from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway.aim.board import Board


class Terminal:
    """Shows ``board`` four times a second; use it as a context manager.

    Where the output is no terminal, it shows the last view at the end only.
    """

    def __init__(self, board: Board, url: str) -> None:
        self._board = board
        self._url = url
        self._live = Live(console=Console(), get_renderable=self._drawn, refresh_per_second=4)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def _drawn(self) -> RenderableType:
        view = self._board.view
        table = Table.grid(padding=(0, 2))
        for name, text in view.figures.items():
            table.add_row(Text(name, style="dim"), Text(text))
        advice = [Text(f"→ {each}", style="bold") for each in view.advice]
        # A small terminal cuts off what comes last.
        return Group(Text(f"live picture: {self._url}   Ctrl-C ends it"), *advice, table)

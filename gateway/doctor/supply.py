"""Does the box get enough power, and is it too hot?"""

from collections.abc import Iterator

from gateway.box import BoxFigures
from gateway.findings import Finding, bad, good, note

_HOT_CELSIUS = 80.0
"""Where the processors of small boxes begin to hold themselves back."""


def examine(box: BoxFigures) -> Iterator[Finding]:
    """Power and heat, as far as the board tells."""
    weak = "use the maker's power supply and a short thick cable; take loads off the USB sockets"
    if box.undervoltage:
        yield bad("power", "the supply is too weak at this moment", weak)
    elif box.undervoltage_since_boot:
        yield bad("power", "the supply has been too weak since the box was switched on", weak)
    elif box.undervoltage is None:
        yield note("power", "this board does not tell")
    else:
        yield good("power", "enough, at least since the box was switched on")
    if box.celsius is None:
        yield note("heat", "this board does not tell")
    elif box.celsius >= _HOT_CELSIUS or box.throttled:
        slowed = ", and the processor holds itself back" if box.throttled else ""
        found = f"{box.celsius:.0f} °C{slowed}"
        yield bad("heat", found, "shade the box, let air to it, or give it a heat sink")
    else:
        yield good("heat", f"{box.celsius:.0f} °C")

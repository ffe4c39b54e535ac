"""The guided first configuration: which questions are asked, and in which order."""

from collections.abc import Callable, Sequence

from gateway.devices.sysfs import Roots
from gateway.setup.dialogue import NONE, Back
from gateway.setup.plugged import ask_devices
from gateway.setup.secrets import Secrets
from gateway.setup.sheet import Sheet

_CODE_LEVELS = {"district": 6, "street": 3, "community": 3}
_CODE_DIGITS = 15


class Guide:
    """Asks section by section; ``back`` leads to the beginning of one, or to the one before."""

    def __init__(
        self, sheet: Sheet, secrets: Secrets, roots: Roots, keep: Callable[[], None]
    ) -> None:
        self._sheet = sheet
        self._dialogue = sheet.dialogue
        self._secrets = secrets
        self._roots = roots
        self._keep = keep

    def run(self, known: Sequence[str]) -> None:
        """Ask for everything but the tables that are ``known``; what there is after each section
        is kept."""
        sections = {
            "gateway": ("Which gate is this?", self._place),
            "uplink": ("Where is the centre's broker?", self._broker),
            "lanes": ("Which ways lead through the gate?", self._lanes),
            "devices": ("What is connected to this box?", self._devices),
        }
        wanted = [each for name, each in sections.items() if name not in known]
        at, self._dialogue.may_go_back = 0, True
        while at < len(wanted):
            title, ask = wanted[at]
            self._dialogue.say("", f"{at + 1} of {len(wanted)}: {title}")
            before = self._dialogue.asked
            try:
                ask()
                at += 1
                self._keep()
            except Back:
                at = at if self._dialogue.asked > before else max(0, at - 1)
        self._dialogue.may_go_back = False

    def _place(self) -> None:
        self._sheet.until_right(("gateway",), self._ask_place)

    def _ask_place(self) -> None:
        sheet = self._sheet
        former = sheet.get("gateway", "id") or NONE
        code = self._dialogue.ask(
            "Code of the gate, 15 digits",
            former if is_code(former) else NONE,
            explain="In China: district 6, street 3, community 3, gate 3, as 410102 011 003 007."
            f" Type {NONE} where codes are others; you are asked for names then.",
            check=_code_mistakes,
        )
        if code != NONE:
            for name, value in place_of(code).items():
                sheet.put(value, "gateway", name)
            return
        for name in _CODE_LEVELS:
            sheet.ask(f"Name of the {name}", "gateway", name)
        sheet.ask("Name of the gate, which no other may have", "gateway", "id")

    def _broker(self) -> None:
        self._sheet.until_right(("uplink",), self._ask_broker)

    def _ask_broker(self) -> None:
        sheet = self._sheet
        new = sheet.get("uplink", "host") is None
        sheet.ask("Name or address of the broker", "uplink", "host")
        encrypted = self._dialogue.confirm(
            "Encrypted, with TLS?",
            new or sheet.get("uplink", "tls") is not None,
            explain="Without it anybody on the way can read and change what is sent.",
        )
        former, usual = sheet.get("uplink", "port"), 8883 if encrypted else 1883
        if former in (None, 1883, 8883):
            sheet.put(usual, "uplink", "port")
        sheet.ask("Port", "uplink", "port")
        if encrypted:
            self._ask_tls()
        else:
            sheet.put(None, "uplink", "tls")
        own = sheet.get("gateway", "id")
        if sheet.ask("User name", "uplink", "username", default=own, optional=True) == own:
            sheet.put(None, "uplink", "username")  # as it is by itself, and stays if the id changes
        self._secrets.ask("Password", "uplink", "password_file", name="password")
        question = "Whose word counts as delivered"
        sheet.choose(question, ("broker", "centre"), "uplink", "confirm", default="broker")

    def _ask_tls(self) -> None:
        sheet, at = self._sheet, ("uplink", "tls")
        sheet.put(sheet.get(*at) or {}, *at)
        sheet.ask("File of the authority (PEM)", *at, "ca_file", optional=True, is_file=True)
        certificate = sheet.ask(
            "File of this gateway's certificate (PEM)",
            *(*at, "cert_file"),
            optional=True,
            is_file=True,
        )
        if certificate is None:
            sheet.put(None, *at, "key_file")
        else:
            sheet.ask("File of its key (PEM)", *at, "key_file", is_file=True)

    def _lanes(self) -> None:
        sheet = self._sheet
        lanes = sheet.get("lanes") or {"in-1": {"direction": "entry"}}
        chosen = {}
        for direction in ("entry", "exit"):
            known = [name for name, lane in lanes.items() if lane.get("direction") == direction]
            names = sheet.names(
                f"Lanes for {direction}, names with blanks between",
                "lanes",
                default=known,
                explain="A lane is one way through the gate, such as in-1 or out-1; a device is"
                f" said to be at one of them. Type {NONE} for no lane.",
            )
            chosen.update({name: {"direction": direction} for name in names})
        sheet.put(chosen or None, "lanes")

    def _devices(self) -> None:
        ask_devices(self._sheet, self._secrets, self._roots)


def is_code(text: str) -> bool:
    """Whether it is a gate's code of 15 digits."""
    return len(text) == _CODE_DIGITS and text.isascii() and text.isdigit()


def place_of(code: str) -> dict[str, str]:
    """What the 15 digits say: the gateway's id and the three levels above it."""
    digits, place = "".join(code.split()), {}
    place["id"] = digits
    start = 0
    for name, width in _CODE_LEVELS.items():
        place[name] = digits[start : start + width]
        start += width
    return place


def code_mistakes(text: str) -> Sequence[str]:
    """What is wrong with a gate's code."""
    digits = "".join(text.split())
    if is_code(digits):
        return ()
    found = f"{len(digits)} digits" if digits.isdigit() else f'"{text}"'
    return [f"found {found}; expected 15: district 6, street 3, community 3, gate 3"]


def _code_mistakes(text: str) -> Sequence[str]:
    return () if text == NONE else code_mistakes(text)

"""The udev rules: every line well formed, and each promise kept by a rule."""

import re
from pathlib import Path

RULES = Path(__file__).parents[1] / "systemd" / "60-checkpoint-gateway.rules"

MATCHES = {"ACTION", "SUBSYSTEM", "SUBSYSTEMS", "KERNEL", "KERNELS", "DRIVER", "ATTRS", "ENV"}
ASSIGNS = {"ENV", "GROUP", "MODE", "SYMLINK", "ATTR", "GOTO", "LABEL"}
_PART = re.compile(r'(?P<key>[A-Z]+)(\{(?P<name>[\w/]+)\})?(?P<sign>==|!=|\+=|=)"(?P<value>[^"]*)"')

Part = tuple[str, str | None, str, str]


def rules() -> list[list[Part]]:
    """Every rule as its parts: key, attribute, operator, value."""
    lines = [line for line in RULES.read_text().split("\n") if line and not line.startswith("#")]
    return [[parsed(part) for part in line.split(", ")] for line in lines]


def parsed(text: str) -> Part:
    part = _PART.fullmatch(text)
    assert part, text
    return part["key"], part["name"], part["sign"], part["value"]


def test_every_key_is_used_as_udev_knows_it() -> None:
    for rule in rules():
        for key, _, sign, _ in rule:
            assert key in (MATCHES if sign in ("==", "!=") else ASSIGNS), (key, sign)
        signs = [sign for _, _, sign, _ in rule]
        assert signs == sorted(signs, key=lambda sign: sign not in ("==", "!=")), rule


def test_parents_are_matched_one_at_a_time() -> None:
    """All such keys of a rule must fit one and the same parent; a USB interface has no idVendor."""
    for rule in rules():
        keys = {key for key, _, _, _ in rule}
        assert not {"ATTRS", "KERNELS"} <= keys


def test_a_jump_has_a_label() -> None:
    jumps = {value for rule in rules() for key, _, _, value in rule if key == "GOTO"}
    labels = {value for rule in rules() for key, _, _, value in rule if key == "LABEL"}
    assert jumps == labels


def test_a_modem_is_left_alone() -> None:
    """Nothing is taken from ModemManager but what a rule names by vendor and product."""
    named = [rule for rule in rules() if ("ENV", "CHECKPOINT_GATEWAY", "=", "1") in rule]
    assert named
    for rule in named:
        attributes = {name for key, name, _, _ in rule if key == "ATTRS"}
        assert attributes == {"idVendor", "idProduct"}
    for rule in rules():
        if ("ENV", "ID_MM_DEVICE_IGNORE", "=", "1") in rule:
            assert ("ENV", "CHECKPOINT_GATEWAY", "==", "1") in rule


def test_nothing_is_opened_to_everybody() -> None:
    modes = {value for rule in rules() for key, _, _, value in rule if key == "MODE"}
    assert modes == {"0660"}

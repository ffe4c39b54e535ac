"""What `simulate` can be told."""

import argparse
import math

from gateway.simulate.profiles import PROFILES


def add_simulate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    simulate = commands.add_parser(
        "simulate",
        help="play a day at a gate, with emulated devices",
        description="Play a day at a gate through the whole gateway, faster than it passes: people"
        " with real codes before emulated devices, power cuts, a wrong clock, no network. What has"
        " to be decided is worked out beforehand, from the rules. Exit code 1 if anything was"
        " decided otherwise, or is missing at the centre.",
    )
    simulate.add_argument(
        "--profile", choices=PROFILES, default="typical", help="which compound (typical)"
    )
    simulate.add_argument(
        "--seed", type=int, default=1, metavar="N", help="which day; the same one each time (1)"
    )
    simulate.add_argument(
        "--speed", type=_speed, default=20.0, metavar="N", help="times as fast as time (20)"
    )
    simulate.add_argument(
        "--hours",
        type=_hours,
        default=(0.0, 24.0),
        metavar="FROM-TO",
        help="only a part of the day, as 7-9",
    )
    simulate.add_argument("--seconds", type=_speed, metavar="N", help="end after N real seconds")
    simulate.add_argument("--json", action="store_true", help="print the result as JSON")


def _speed(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f'"{text}" is not a number above 0')
    return number


def _hours(text: str) -> tuple[float, float]:
    try:
        first, last = (float(each) for each in text.split("-"))
    except ValueError:
        first, last = math.nan, math.nan
    if not 0 <= first < last <= 24:
        raise argparse.ArgumentTypeError(f'"{text}" is no part of a day; expected one as 7-9')
    return first, last

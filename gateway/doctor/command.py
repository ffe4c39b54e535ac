"""Carries out `checkpoint-gateway doctor`: the findings on the screen, as JSON, into an archive."""

import argparse
import asyncio

from gateway.doctor import bundle
from gateway.doctor.examination import Examined, examine
from gateway.doctor.surroundings import Surroundings


def run(chosen: argparse.Namespace) -> int:
    """Do what was `chosen`; the exit code: 0 only if nothing has to be put right.

    Raises:
        GatewayError: the archive cannot be written.
    """
    examined = asyncio.run(carry_out(chosen, Surroundings()))
    print(examined.report.as_json() if chosen.json else examined.report)
    if chosen.bundle and not chosen.json:
        print(f"        written to {chosen.bundle}; it holds no personal data")
    return examined.exit_code


async def carry_out(chosen: argparse.Namespace, around: Surroundings) -> Examined:
    """Examine, and write the archive if there is to be one."""
    examined = await examine(chosen.file, around)
    if chosen.bundle:
        await bundle.write(chosen.bundle, examined, around)
    return examined

"""The command line: what a technician can ask for, and the exit codes.

Each command imports what it needs when it is called: help and check must come at once, and must
come even where a library of a device is missing.
"""

import argparse
import faulthandler
import io
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from gateway import log, restarts
from gateway.aim.arguments import add_aim
from gateway.asking.arguments import add_asking
from gateway.centre_arguments import add_centre
from gateway.devices.arguments import add_devices
from gateway.doctor.arguments import add_doctor
from gateway.errors import ConfigError, GatewayError
from gateway.inspect.arguments import add_journal, add_tail
from gateway.issuing.arguments import add_pass
from gateway.policyfile.arguments import add_policy
from gateway.setup.arguments import add_setup
from gateway.simulate.arguments import add_simulate
from gateway.stick.arguments import add_stick
from gateway.watch.arguments import add_status

EXIT_FAILED = 1
EXIT_CONFIG = 78  # EX_CONFIG in <sysexits.h>; the systemd unit does not restart on it

_DESCRIPTION = """\
The box at a gate: reads codes, temperatures and doors, decides who may pass, keeps
all of that on its own disk, and brings it to the centre, through any outage.
"""

_EXAMPLES = """\
examples:
  checkpoint-gateway demo
      see everything work on this machine; no device and no network needed
  checkpoint-gateway devices
      what is plugged into this box, and by which names to configure it
  checkpoint-gateway check /etc/checkpoint-gateway/gateway.toml
      find every mistake in a configuration; starts nothing
  checkpoint-gateway run /etc/checkpoint-gateway/gateway.toml
      run the gate; Ctrl-C stops it
  checkpoint-gateway reload
      take the changed configuration into force while the gate works
  checkpoint-gateway status
      how it is, and what somebody must see to
  checkpoint-gateway journal stats /etc/checkpoint-gateway/gateway.toml
      how much is recorded and delivered; see also: journal --help

exit codes: 0 all is well, 1 failed, 2 wrong command, 78 mistakes in the configuration
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command in ``arguments`` (by default the process's own); the exit code."""
    chosen = command_line().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As stderr does it: the name of a file may be in no encoding at all.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return _run(chosen)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_CONFIG
    except GatewayError as error:
        print(f"checkpoint-gateway: {error}", file=sys.stderr)
        return EXIT_FAILED


def _run(chosen: argparse.Namespace) -> int:
    match chosen.command:
        case "check":
            return _check(chosen.file)
        case "demo":
            return _demo(chosen)
        case "simulate":
            return _simulate(chosen)
        case "uplink":
            return _test_uplink(chosen)
        case "aim":
            return _aim(chosen)
        case "devices":
            from gateway.devices import command

            return command.run(chosen)
        case "setup":
            from gateway.setup import command as setup

            return setup.run(chosen)
        case "status":
            from gateway.watch import status

            return status.run(chosen.file, as_json=chosen.json)
        case "doctor":
            from gateway.doctor import command as doctor

            return doctor.run(chosen)
        case "reload" | "log-level" | "documents":
            from gateway.asking import commands as asking

            return asking.run(chosen)
        case "journal" | "tail":
            from gateway.inspect import commands

            return commands.run(chosen)
        case "policy" | "export" | "import" | "pass" | "centre":
            return _run_for_gates(chosen)
        case _:
            return _run_gate(chosen)


def _run_for_gates(chosen: argparse.Namespace) -> int:
    """What concerns more than the gate at hand."""
    match chosen.command:
        case "policy":
            from gateway.policyfile import commands as policy

            return policy.run(chosen)
        case "export" | "import":
            from gateway.stick import commands as stick

            return stick.run(chosen)
        case "pass":
            from gateway.issuing import command as passes

            return passes.run(chosen)
        case _:
            from gateway.centre import commands as centre

            return centre.run(chosen)


def _run_gate(chosen: argparse.Namespace) -> int:
    log.set_up(verbose=chosen.verbose)
    faulthandler.enable()  # of a hang, where the watchdog ended it; without any values
    with restarts.paced():
        from gateway import app, configfile

        return app.run_forever(configfile.load(chosen.file), chosen.file)


def _demo(chosen: argparse.Namespace) -> int:
    with _of_the_demo("the demo"):
        from gateway import demo
    return demo.main(seconds=chosen.seconds, as_json=chosen.json, photos=chosen.photos)


def _simulate(chosen: argparse.Namespace) -> int:
    with _of_the_demo("a simulation"):
        from gateway.simulate import command
    return command.run(chosen)


@contextmanager
def _of_the_demo(what: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        install = "pip install 'checkpoint-gateway[demo]'"
        raise GatewayError(f"{what} needs {error.name}; install it with: {install}") from error


def _test_uplink(chosen: argparse.Namespace) -> int:
    from gateway import configfile
    from gateway.uplink import probe

    report = probe.run(configfile.load(chosen.file))
    print(report.as_json() if chosen.json else report)
    return 0 if report.passed else EXIT_FAILED


def _aim(chosen: argparse.Namespace) -> int:
    from gateway.aim import command

    return command.main(
        chosen.subject, device=chosen.device, listen=chosen.listen, seconds=chosen.seconds
    )


def _check(file: Path) -> int:
    from gateway import configfile

    config = configfile.load(file)
    devices = ", ".join(f"{name} ({each.driver})" for name, each in config.devices.items())
    print(f"{file}: no mistakes found")
    print(f"  gateway  {config.gateway.id}")
    print(f"  centre   {config.uplink.host}, port {config.uplink.port}")
    print(f"  devices  {devices or 'none'}")
    notices = {"page": config.page.notices(), "passes": config.passes.notices()}
    notices |= {name: each.notices() for name, each in config.devices.items()}
    for name, told in notices.items():
        for notice in told:
            print(f"  note     {name}: {notice}")
    return 0


def command_line() -> argparse.ArgumentParser:
    """Everything that can be typed; the man page is made of it, too."""
    parser = argparse.ArgumentParser(
        prog="checkpoint-gateway",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {version('checkpoint-gateway')}"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    run = commands.add_parser("run", help="run the gate", description="Run the gate until stopped.")
    _add_file(run)
    run.add_argument("-v", "--verbose", action="store_true", help="log every byte, too")

    check = commands.add_parser(
        "check",
        help="find every mistake in a configuration",
        description="Find every mistake in a configuration, each with its line. Opens no device.",
    )
    _add_file(check)

    _add_uplink(commands)
    _add_demo(commands)
    add_simulate(commands)
    add_devices(commands)
    add_setup(commands)
    add_aim(commands)
    add_asking(commands)
    add_doctor(commands)
    add_tail(commands)
    add_status(commands)
    add_journal(commands)
    add_policy(commands)
    add_stick(commands)
    add_pass(commands)
    add_centre(commands)
    return parser


def _add_file(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", type=Path, metavar="FILE", help="the configuration, a TOML file")


def _add_uplink(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    uplink = commands.add_parser(
        "uplink", help="try the way to the centre", description="Try the way to the centre."
    )
    actions = uplink.add_subparsers(dest="action", metavar="ACTION", required=True)
    test = actions.add_parser(
        "test",
        help="connect once, and say what must be put right",
        description="Connect to the configured broker under the gateway's client id with -probe"
        " after it, try what a gateway may and may not do there, and measure it. Safe beside a"
        " running gateway. Exit code 1 if something must be put right.",
    )
    _add_file(test)
    test.add_argument("--json", action="store_true", help="print the report as JSON")


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    demo = commands.add_parser(
        "demo",
        help="show the whole gateway at work, with emulated devices",
        description="Run the real gateway with emulated devices and a broker of its own, cut its"
        " link for a while, and show what the centre receives. Ctrl-C ends it with a summary.",
    )
    demo.add_argument(
        "--seconds",
        type=_duration,
        metavar="N",
        help="end after N seconds; exit code 1 if anything is missing at the centre",
    )
    demo.add_argument("--json", action="store_true", help="print the summary as JSON, nothing else")
    demo.add_argument(
        "--photos",
        type=_directory,
        metavar="DIR",
        help="hold these photos (.jpg, .png) before the camera instead of drawn scenes",
    )


def _duration(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f'"{text}" is not a number of seconds above 0')
    return seconds


def _directory(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f'there is no directory "{text}"')
    return Path(text)

"""What `checkpoint-gateway aim` can be asked."""

import argparse

_EXAMPLES = """\
examples:
  checkpoint-gateway aim /etc/checkpoint-gateway/gateway.toml --device camera-in
      the camera of a gate (stop the gateway first if the camera is at this box)
  checkpoint-gateway aim rtsp://192.168.1.20/live --listen 0.0.0.0:8474
      any camera, watched from another machine: whoever can reach the page sees the picture
"""


def add_aim(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `aim` to the program's commands."""
    aim = commands.add_parser(
        "aim",
        help="help to mount a camera: live picture, focus, size of the code, advice",
        description="Show a camera's picture on a small web page, and in the terminal what to"
        " do so that codes are read. A code's content is not shown.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    aim.add_argument(
        "subject", metavar="FILE|SOURCE", help="a configuration (.toml), or a camera's source"
    )
    aim.add_argument("--device", metavar="NAME", help="which camera of the configuration")
    aim.add_argument(
        "--listen",
        default="127.0.0.1:8474",
        metavar="ADDRESS:PORT",
        help="where the page is (%(default)s)",
    )
    aim.add_argument("--seconds", type=float, metavar="N", help="end after N seconds")

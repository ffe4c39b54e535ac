"""The command `checkpoint-gateway`, also as `python -m gateway`."""

import sys

_INTERRUPTED = 130  # what a shell reports for Ctrl-C


def main() -> int:
    """Run the command; Ctrl-C ends it quietly even while it is still being loaded."""
    try:
        from gateway import cli

        return cli.main()
    except KeyboardInterrupt:
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())

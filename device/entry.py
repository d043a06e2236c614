"""Where the command `platepost` begins, so that Ctrl-C ends it in words also while the rest is still being loaded."""

import sys

from platepost.common.signals import INTERRUPTED


def main() -> object:
    """Load the command line, and run it."""
    try:
        from platepost.device.cli import main as run  # noqa: PLC0415 - here it can be broken off

        return run()
    except KeyboardInterrupt:
        sys.stderr.write("Aborted!\n")
        raise SystemExit(INTERRUPTED) from None

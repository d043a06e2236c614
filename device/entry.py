"""Where the command `platepost` begins: Ctrl-C ends it without a traceback from here on, until the process is gone."""

import signal
import sys

from platepost.common.signals import ABORTED, INTERRUPTED, ends_at_once


def main() -> object:
    """Load the command line, and run it."""
    try:
        with ends_at_once():
            from platepost.device.cli import main as run  # noqa: PLC0415 - here Ctrl-C is handled
        return run()
    except KeyboardInterrupt:
        sys.stderr.write(ABORTED.decode())
        raise SystemExit(INTERRUPTED) from None
    finally:
        # What is left is the end of the interpreter, which would report an exception and ignore it.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)

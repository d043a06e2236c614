"""The command `platepost` as a process of its own."""

import sys
from collections.abc import Sequence

_PROGRAM = "import sys; from device.cli import main; sys.exit(main())"


def platepost(*arguments: str) -> Sequence[str]:
    """Return the command line, by the interpreter that runs this, wherever the command itself is installed."""
    return [sys.executable, "-P", "-c", _PROGRAM, *arguments]

"""Run targets of make side by side: one that mostly waits, and those that compute, which take what it leaves over.

    python3 scripts/side-by-side.py MAKE WAITING COMPUTING...

What a target that computes prints is in build/TARGET.log and follows at the end. Fails if any does.
"""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path


def main(make: str, waiting: str, *computing: str) -> int:
    """Return 0 if all ended well, else the exit status of one that did not."""
    logs = {target: Path("build") / f"{target}.log" for target in computing}
    Path("build").mkdir(exist_ok=True)
    print(f"make {waiting} runs beside make {', '.join(computing)}; what these print follows at the end:", flush=True)
    print(*logs.values(), flush=True)
    with ExitStack() as stack:
        beside = [
            stack.enter_context(
                subprocess.Popen(
                    ["nice", make, target], stdout=stack.enter_context(log.open("wb")), stderr=subprocess.STDOUT
                )
            )
            for target, log in logs.items()
        ]
        statuses = [subprocess.call([make, waiting]), *(process.wait() for process in beside)]
    for log in logs.values():
        sys.stdout.buffer.write(log.read_bytes())
    return next((status for status in statuses if status), 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

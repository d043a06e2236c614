"""Run two targets of make side by side: what the first prints follows when the second, which mostly waits, has ended.

    python3 scripts/side-by-side.py MAKE FIRST SECOND

The first one's output is in build/FIRST.log meanwhile. Fails if either does.
"""

import subprocess
import sys
from pathlib import Path


def main(make: str, first: str, second: str) -> int:
    """Return the exit status of the first that failed, else 0."""
    log = Path("build") / f"{first}.log"
    log.parent.mkdir(exist_ok=True)
    print(f"make {first} runs beside make {second}; what it prints is in {log}, and follows", flush=True)
    with log.open("wb") as out, subprocess.Popen([make, first], stdout=out, stderr=subprocess.STDOUT) as beside:
        status = subprocess.call([make, second])
        status = beside.wait() or status
    sys.stdout.buffer.write(log.read_bytes())
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Run two targets of make side by side: one that computes, and takes what the other, which mostly waits, leaves over.

    python3 scripts/side-by-side.py MAKE COMPUTING WAITING

What the first prints is in build/COMPUTING.log and follows at the end. Fails if either does.
"""

import subprocess
import sys
from pathlib import Path


def main(make: str, computing: str, waiting: str) -> int:
    """Return 0 if both ended well, else the exit status of one that did not."""
    log = Path("build") / f"{computing}.log"
    log.parent.mkdir(exist_ok=True)
    print(f"make {computing} runs beside make {waiting}; what it prints is in {log}, and follows", flush=True)
    command = ["nice", make, computing]
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as beside:
        status = subprocess.call([make, waiting])
        status = beside.wait() or status
    sys.stdout.buffer.write(log.read_bytes())
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

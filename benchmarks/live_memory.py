"""How the memory of the live page and its posts goes over time, with a browser's streams open: flat is what it must be.

    python benchmarks/live_memory.py --minutes 30
    python benchmarks/live_memory.py --minutes 8 --pace 4     the same traffic in a quarter of the time

Samples the resident memory of the server, of mosquitto and of each post every few seconds, while one client reads
the events and another the view of a post as a browser does, and a third comes and goes. Fits a line to the second half
of each: what a process takes once it has warmed up. Exit 1 if one grows by more than `--most` MB an hour and by more
than five hundredths of itself.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
import urllib.request
from http.client import HTTPException
from pathlib import Path

import numpy as np

from simulator.brokers.daemon import Daemon
from simulator.lab.fleet.usage import usage_of

GROWTH = 0.05


class Page(Daemon):
    """`platepost simulate serve` as a process of its own."""

    program = "platepost"
    start_seconds = 120.0

    def _command(self) -> tuple[str, ...]:
        code = "import sys; from device.cli import main; sys.exit(main())"
        folder = str(self.directory / "desk")
        return (sys.executable, "-c", code, "simulate", "serve", "--port", str(self.port), "--directory", folder)


class Reader(threading.Thread):
    """Reads one stream of the page forever, or again and again for some seconds."""

    def __init__(self, address: str, *, seconds: float | None = None) -> None:
        super().__init__(daemon=True)
        self.address = address
        self.seconds = seconds
        self.size = 0
        self.opened = 0

    def run(self) -> None:
        while True:
            try:
                with urllib.request.urlopen(self.address, timeout=60) as answer:  # noqa: S310 - loopback
                    self.opened += 1
                    end = time.monotonic() + (self.seconds or 1e9)
                    while time.monotonic() < end and (piece := answer.read1(65536)):
                        self.size += len(piece)
            except (OSError, HTTPException):
                time.sleep(1)


def processes(page: Page) -> dict[str, int]:
    """Name -> process number of the page's server and its children."""
    root = page.pid
    if root is None:
        raise SystemExit("the page has ended")
    found = {"server": root}
    for child in Path(f"/proc/{root}/task/{root}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
        post = next((Path(word).parent.name for word in words if word.endswith("post.toml")), None)
        found[post or Path(words[0]).name] = int(child)
    return found


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--minutes", type=float, default=30.0)
    arguments.add_argument("--pace", type=float, default=1.0)
    arguments.add_argument("--every", type=float, default=5.0, help="Seconds between samples.")
    arguments.add_argument("--most", type=float, default=20.0, help="Megabytes an hour that a process may grow by.")
    arguments.add_argument("--json", type=Path, help="Write the samples here.")
    wanted = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, Page(Path(folder)) as page:
        address = f"http://127.0.0.1:{page.port}/"
        wish = json.dumps({"factor": wanted.pace, "paused": False}).encode()
        asked = urllib.request.Request(address + "pace", wish, method="POST")  # noqa: S310 - loopback
        urllib.request.urlopen(asked, timeout=30).close()  # noqa: S310 - loopback
        readers = [
            Reader(address + "events"),
            Reader(address + "posts/post-1/view"),
            Reader(address + "events", seconds=7),
            Reader(address + "posts/post-2/view", seconds=7),
        ]
        for reader in readers:
            reader.start()
        samples: dict[str, list[tuple[float, float]]] = {}
        begun = time.monotonic()
        while (now := time.monotonic() - begun) < wanted.minutes * 60:
            for name, process in processes(page).items():
                samples.setdefault(name, []).append((now, usage_of(process).memory / 2**20))
            if len(samples["server"]) % 12 == 0:
                last = ", ".join(f"{name} {values[-1][1]:.1f}" for name, values in sorted(samples.items()))
                print(f"{now / 60:5.1f} min  {last} MB", file=sys.stderr, flush=True)
            time.sleep(wanted.every)
        print("read: " + ", ".join(f"{reader.size / 1e6:.1f} MB in {reader.opened} streams" for reader in readers))
        failed = judge(samples, most=wanted.most)
    if wanted.json:
        wanted.json.write_text(json.dumps(samples))
    return failed


def judge(samples: dict[str, list[tuple[float, float]]], *, most: float) -> int:
    failed = 0
    print("process      first    half     last  MB/hour (second half)")
    for name, values in sorted(samples.items()):
        times, sizes = np.array(values).T
        half = len(times) // 2
        slope = float(np.polyfit(times[half:], sizes[half:], 1)[0]) * 3600
        grew = slope > most and sizes[-1] > sizes[half] * (1 + GROWTH)
        failed |= grew
        print(f"{name:10} {sizes[0]:7.1f} {sizes[half]:7.1f} {sizes[-1]:8.1f} {slope:8.1f}{'  GROWS' if grew else ''}")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())

"""What a running post costs: memory, time from its start to the first frame, processor on an idle road.

    python benchmarks/frugality.py                 # two minutes
    python benchmarks/frugality.py --seconds 20 --json

The post is a process of its own, with its outbox, a real broker over TLS, a hot list, and a camera that hands over
frames of 1280 x 720 from memory: what decodes footage here is the sensor's hardware there. First the road is idle (the
same street, with a sensor's noise), then vehicles pass. Processor time is counted, not the clock, so that a busy
machine matters little; only the start is also told by the clock. docs/system.md says what a Pi makes of it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np

from platepost.device.camera.footage.recordings import open_recording
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.hotlist.build import build_package
from platepost.simulator.brokers.mosquitto import Broker
from tests.campaigns.fleet.site import usage_of

ROOT = Path(__file__).parents[1]
CLIP = ROOT / "simulator" / "footage" / "pass.mp4"
LIMITS = {"memory_mb": 220.0, "start_seconds": 5.0, "idle_percent": 15.0}
PASSING = slice(60, 130)
"""Frames of the clip in which a vehicle passes; the first of all is of the empty street."""


def main() -> int:
    """Measure, print, and say by the exit code whether the limits are kept."""
    parser = argparse.ArgumentParser(description="What a running post costs.")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each stage lasts")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), arguments.seconds)
    kept = all(found[name] <= limit for name, limit in LIMITS.items())
    if arguments.json:
        print(json.dumps(found | {"limits": LIMITS, "kept": kept}))
        return 0 if kept else 1
    for text, line in {
        "start to the first frame": "{start_seconds:6.2f} s by the clock, {start_cpu:.2f} s of processor",
        "idle road": "{idle_percent:6.1f} % of one core at {idle_rate:.1f} frames/s",
        "vehicles passing": "{busy_percent:6.1f} % of one core at {busy_rate:.1f} frames/s",
        "memory, vehicles passing": "{memory_mb:6.1f} MB proportional (PSS), {rss_mb:.1f} MB resident (RSS)",
        "threads": "{threads:6.0f}",
    }.items():
        print(f"{text:<26} {line.format(**found)}")
    for name, limit in LIMITS.items():
        print(f"{'kept' if found[name] <= limit else 'NOT KEPT'}: {name} at most {limit:g}")
    return 0 if kept else 1


def measure(folder: Path, seconds: float) -> dict[str, float]:
    """Run a post through its stages."""
    frames = np.stack([still.gray for still in islice(open_recording(CLIP).stills(), PASSING.stop)])
    np.concatenate([frames[:1], frames[PASSING]]).tofile(folder / "frames.raw")
    shape = frames.shape[1:]
    del frames
    (folder / "shape").write_text(json.dumps([*shape, PASSING.stop - PASSING.start]))
    fleet = Fleet.create(folder / "fleet", agency="demo", broker_names=("localhost",))
    broker = Broker(fleet, folder / "broker")
    post = fleet.add_post("post-1", PostSettings(brokers=(broker.address,), camera="memory"))
    package = build_package(
        [],
        agency="demo",
        issuer="Demo",
        version=1,
        signing_key=fleet.list_signing_key.read_bytes(),
        post_keys=[fleet.recipient_key("post-1").read_bytes()],
        built=datetime.now(UTC),
        expires=datetime.now(UTC) + timedelta(days=30),
    )
    lists = post / "state" / "hotlist"
    lists.mkdir(parents=True)
    (lists / "hotlist-0000000000000001.package").write_bytes(package)
    with broker:
        command = [sys.executable, str(Path(__file__).with_name("frugality_post.py")), str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
            try:
                start = json.loads(process.stdout.readline() if process.stdout else "")
                time.sleep(min(10.0, seconds))
                idle = stage(process.pid, folder, seconds)
                (folder / "busy").touch()
                busy = stage(process.pid, folder, seconds)
                memory = smaps(process.pid)
                threads = len(list(Path(f"/proc/{process.pid}/task").iterdir()))
            finally:
                process.terminate()
    return {
        "start_seconds": start["seconds"],
        "start_cpu": start["cpu"],
        "idle_percent": idle[0],
        "idle_rate": idle[1],
        "busy_percent": busy[0],
        "busy_rate": busy[1],
        "memory_mb": memory["Pss"],
        "rss_mb": memory["Rss"],
        "threads": float(threads),
    }


def stage(pid: int, folder: Path, seconds: float) -> tuple[float, float]:
    """Let time pass; return per cent of one core and frames per second."""

    def now() -> tuple[float, float, int]:
        return time.monotonic(), usage_of(pid).cpu, int((folder / "frames").read_text() or 0)

    began = now()
    time.sleep(seconds)
    ended = now()
    passed = ended[0] - began[0]
    return 100 * (ended[1] - began[1]) / passed, (ended[2] - began[2]) / passed


def smaps(pid: int) -> dict[str, float]:
    """Return the memory of a process in MB (10^6 bytes), by the kernel's names."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {line.partition(":")[0]: int(line.split()[1]) * 1024 / 1e6 for line in lines if line.split()[-1] == "kB"}


if __name__ == "__main__":
    raise SystemExit(main())

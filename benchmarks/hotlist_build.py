"""What it costs to build a list, and a delta, from an export on disk: the commands as a department runs them.

::

    python benchmarks/hotlist_build.py                       a million rows
    python benchmarks/hotlist_build.py 5000000 --jobs 2
    python benchmarks/hotlist_build.py 200000 --form fixed

Wall time depends on what else the machine does; processor time hardly does, and the last column, the cost against
reading the same file with `csv.reader` alone in the same run, least. Memory is the sum over all processes.
"""

import argparse
import csv
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from provisioning.fleet.fleet import Fleet
from provisioning.fleet.post_file import PostSettings

LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
CATEGORIES = ("stolen_vehicle", "stolen_plate", "felony_vehicle")
FIXED = """[source]
form = "fixed"
[columns]
plate = { start = 1, length = 10 }
state = { start = 11, length = 2 }
category = { start = 13, length = 16 }
priority = { start = 29, length = 1 }
entered = { start = 30, length = 8 }
expires = { start = 38, length = 8 }
reference = { start = 46, length = 16 }
"""
US_DATES = '[dates]\nformats = ["%m/%d/%Y"]\n'
PLATEPOST = str(Path(sys.executable).with_name("platepost"))


@dataclass
class Row:
    """One invented row; every thousandth is not fit."""

    plate: str
    category: str
    priority: int
    entered: tuple[int, int]
    expires: tuple[int, int]
    reference: str


def rows(count: int, seed: int) -> Iterator[Row]:
    """Yield rows of California's passenger form, spelled as clerks do."""
    draw = random.Random(seed)
    for number in range(count):
        letters = "".join(draw.choices(LETTERS, k=3))
        plate = f"{draw.randrange(1, 10)}{letters}{draw.choice(('', '', '-', ' '))}{draw.randrange(1000):03d}"
        yield Row(
            "UNKNOWN" if number % 1000 == 999 else plate,
            CATEGORIES[number % 3],
            1 + number % 3,
            (draw.randrange(1, 13), draw.randrange(1, 29)),
            (draw.randrange(1, 13), draw.randrange(1, 29)),
            f"ENTRY-{number:09d}",
        )


def write(path: Path, form: str, written: Iterator[Row]) -> None:
    """Write rows as an export of a form."""
    with path.open("w", newline="") as file:
        if form != "fixed":
            file.write("plate,state,category,priority,entered,expires,reference\n")
        for row in written:
            (m, d), (em, ed) = row.entered, row.expires
            if form == "fixed":
                file.write(f"{row.plate:10}CA{row.category:16}{row.priority}2024{m:02}{d:02}2099{em:02}{ed:02}")
                file.write(f"{row.reference:16}\n")
            elif form == "us-dates":
                file.write(
                    f"{row.plate},CA,{row.category},{row.priority},{m}/{d}/2024,{em}/{ed}/2099,{row.reference}\n"
                )
            else:
                dates = f"2024-{m:02}-{d:02},2099-{em:02}-{ed:02}"
                file.write(f"{row.plate},CA,{row.category},{row.priority},{dates},{row.reference}\n")


class Memory(threading.Thread):
    """Watches the resident memory of a process and its children, in bytes."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._pid = pid
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.05):
            self.peak = max(self.peak, resident(self._pid))

    def stop(self) -> None:
        self._over.set()
        self.join()


def resident(pid: int) -> int:
    """Return the resident memory of a process and all that it started."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGESIZE") + sum(resident(int(child)) for child in children)


def run(what: str, arguments: list[str], reference: float) -> None:
    """Run a command and print what it cost."""
    before, begin = os.times(), time.perf_counter()
    with subprocess.Popen([PLATEPOST, *arguments], stdout=subprocess.DEVNULL) as process:
        memory = Memory(process.pid)
        memory.start()
        code = process.wait()
        memory.stop()
    wall, after = time.perf_counter() - begin, os.times()
    if code:
        sys.exit(code)
    processor = after.children_user - before.children_user + after.children_system - before.children_system
    print(
        f"{what:28}{wall:8.1f} s wall {processor:8.1f} s processor {memory.peak / 2**30:6.2f} GiB"
        f"{processor / reference:8.1f} x csv.reader"
    )


def reading_alone(path: Path) -> float:
    """Return the seconds of processor time that `csv.reader` alone takes for a file."""
    begin = time.process_time()
    with path.open(newline="") as file:
        for _ in csv.reader(file):
            pass
    return time.process_time() - begin


def main() -> None:
    """Write an export, build a list of it, change it a little, build a delta, and print what each cost."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("rows", type=int, nargs="?", default=1_000_000)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--form", choices=("csv", "us-dates", "fixed"), default="csv")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        fleet = Fleet.create(folder / "fleet", agency="benchmark")
        fleet.add_post("post-1", PostSettings(brokers=("localhost:8883",), camera="footage"))
        export, mapping, news = folder / "export", folder / "mapping.toml", folder / "news"
        write(export, given.form, rows(given.rows, 1))
        write(news, given.form, rows(100, 2))
        mapping.write_text({"fixed": FIXED, "us-dates": US_DATES, "csv": ""}[given.form])
        reference = reading_alone(export)
        size, processors = export.stat().st_size / 1e6, os.cpu_count()
        print(f"{given.rows:,} rows, {size:.0f} MB, --jobs {given.jobs} on {processors} processors")
        common = ["--fleet", str(fleet.directory), "--mapping", str(mapping), "--jobs", str(given.jobs), "--json"]
        command = ["provision", "hotlist"]
        out = str(folder / "out")
        run("build", [*command, "build", str(export), *common, "-o", out], reference)
        print(f"{'package':28}{Path(out).stat().st_size / 1e6:8.1f} MB")
        run("delta, 100 news", [*command, "delta", "--add", str(news), *common, "-o", out], reference)
        with export.open("a") as file:
            file.write(news.read_text().partition("\n")[2])
        run("delta, export compared", [*command, "delta", str(export), *common, "-o", out], reference)
        print(f"{'delta':28}{Path(out).stat().st_size / 1e3:8.1f} kB")


if __name__ == "__main__":
    main()

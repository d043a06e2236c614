"""Whether this checkout is slower than another: both measured in turns, in one run.

::

    git worktree add build/before 7b3153d3
    python benchmarks/beside.py build/before                         all, some ten minutes on two quiet cores
    python benchmarks/beside.py build/before photo lookup --rounds 5

Each measure runs in processes of its own, once in each checkout and then the other way around, so that what the machine
does meanwhile hits both. The least of all rounds counts: other work on the machine only ever adds. Both use the
interpreter and the libraries that run this. The exit code is 1 if something takes more than 3 % longer than before.
"""

import argparse
import importlib
import io
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parents[1]
ALLOWED = 1.03
READY_SECONDS = 120.0
Figures = dict[str, float]
"""By what was measured: how long it took, in the unit that its name says."""


def of_checkout(name: str) -> Any:
    """Import a module of the checkout that is measured: below `platepost`, or as 7b3153d3 and before have it."""
    try:
        return importlib.import_module(f"platepost.{name}")
    except ModuleNotFoundError:
        return importlib.import_module(name)


def benchmark(name: str, *words: str) -> str:
    """Run a benchmark of the checkout that is measured, and return what it prints."""
    command = [sys.executable, str(Path("benchmarks", f"{name}.py")), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-2000:]}")
    return done.stdout


def benchmark_module(name: str) -> Any:
    """Import a benchmark of the checkout that is measured."""
    sys.path.insert(0, str(Path("benchmarks").absolute()))
    return importlib.import_module(name)


def printed(main: Callable[[], object], *words: str) -> str:
    """Run a benchmark in this process with some words as its command line, and return what it prints."""
    sys.argv = ["benchmark", *words]
    with redirect_stdout(io.StringIO()) as output:
        main()
    return output.getvalue()


def least(work: Callable[[], object], times: int) -> float:
    """Return the least milliseconds of CPU that some work takes, in all threads."""
    took = []
    for _ in range(times):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return 1000 * min(took)


def photo(work: Path) -> Figures:
    """Read the plates of a photo: a frame of the demonstration's clip."""
    import av  # noqa: PLC0415 - here only

    import platepost  # noqa: PLC0415 - of the checkout

    path = work / "photo.png"
    if not path.is_file():
        with av.open("simulator/footage/street.mp4") as clip:
            next(islice(clip.decode(video=0), 60, None)).to_image().save(path)
    platepost.read_photo(path)
    return {"photo: read_photo, ms of CPU": least(lambda: platepost.read_photo(path), 40)}


def lookup(_work: Path) -> Figures:
    """Look plates up in a hot list of 100,000 entries: the median of the quickest of many batches."""
    bench = benchmark_module("hotlist_lookup")
    batch = 250

    def quickest(hotlist: Any, reads: list[str], *, alternatives: Any = (), settings: Any = None) -> str:
        medians = []
        for at in range(0, len(reads), batch):
            taken = []
            for read in reads[at : at + batch]:
                query = bench.Query(plate_read=read, alternatives=alternatives)
                begin = time.thread_time_ns()
                hotlist.consult(query, at=hotlist.built, settings=settings)
                taken.append(time.thread_time_ns() - begin)
            medians.append(median(taken))
        return f" {min(medians) / 1000} us a read"

    bench.microseconds = quickest
    text = printed(bench.main, "100000", "--reads", "8000", "--changes", "1000")
    rows = re.findall(r"^(.+?) *([\d.]+) us a read", text.partition("with the delta")[0], re.MULTILINE)
    return {f"look-up: {name.strip()}, µs of CPU": float(figure) for name, figure in rows}


def deliver(_work: Path) -> Figures:
    """Deliver 200 reads a second for some seconds."""
    text = benchmark("delivery", "--reads", "2000")
    (cpu,) = re.findall(r"([\d.]+) ms of the processor a record", text)
    (hit,) = re.findall(r"([\d.]+) ms median from capture", text)
    return {"200 reads/s: ms of CPU a record": float(cpu), "200 reads/s: hit to subscriber, ms": float(hit)}


def ingest(_work: Path) -> Figures:
    """Keep records in a department's database."""
    text = benchmark("custody", "--records", "5000")
    last = text.splitlines()[-1]
    (rate,) = re.findall(r"([\d,]+)/s", last)
    keeper, server = (float(figure) for figure in re.findall(r"([\d.]+) us", last)[:2])
    return {
        "ingest: µs a record": 1e6 / float(rate.replace(",", "")),
        "ingest: µs of CPU a record, keeper and database": keeper + server,
    }


def search(work: Path) -> Figures:
    """Ask each class of search among 60,000 reads: the median of the quickest of several passes over 20 questions."""
    bench = benchmark_module("search")
    figures: Figures = {}

    def quickest(cars: int, _times: int, seed: int) -> None:
        entries = []
        for name, made in bench.patterns(bench.np.random.default_rng(seed), cars).items():
            asked = [made() for _ in range(20)]
            passes = [[bench.ask(**said) for said in asked] for _ in range(8)]
            figures[f"search: {name}, ms"] = 1000 * min(median(took for _, took, _ in each) for each in passes)
            entries += [median(took for *_, took in each) for each in passes]
        figures["search: its entries in the ledger, ms"] = 1000 * min(entries)

    bench.search = quickest
    printed(bench.main, str(work), "--reads", "60000")
    return figures


def start_post(work: Path) -> Figures:
    """Start a post, until it reports that it is ready."""
    fleet_module, post_file = of_checkout("provisioning.fleet.fleet"), of_checkout("provisioning.fleet.post_file")
    folder = work / "fleet" / "posts" / "post-1"
    if not (work / "fleet").exists():
        settings = post_file.PostSettings(
            brokers=("localhost:1",),
            camera="footage",
            camera_settings={"path": str(Path("simulator/footage/street.mp4").absolute()), "loop": True},
            more={"hotlist": {"in_service_without_list": True}, "uplink": {"drain_seconds": 0}},
        )
        made = fleet_module.Fleet.create(work / "fleet", agency="demo")
        (work / "post").symlink_to(made.add_post("post-1", settings))
    folder = work / "post"
    entry = of_checkout("device.entry").__name__
    program = f"import sys; from {entry} import main; sys.exit(main())"
    command = [sys.executable, "-P", "-c", program, "run", "--config", str(folder.resolve() / "post.toml")]

    def start() -> None:
        name = work / "notify"
        name.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(name))
            manager.settimeout(READY_SECONDS)
            process = subprocess.Popen(
                command, env=os.environ | {"NOTIFY_SOCKET": str(name)}, stderr=subprocess.DEVNULL
            )
            try:
                while b"READY=1" not in manager.recv(4096):
                    pass
                took.append(time.perf_counter() - began)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(READY_SECONDS)

    took: list[float] = []
    cpu: list[float] = []
    for _ in range(4):
        used, began = children_cpu(), time.perf_counter()
        start()
        cpu.append(children_cpu() - used)
    return {
        "start of a post, until it is ready, ms": 1000 * min(took),
        "start and end of a post, ms of CPU": 1000 * min(cpu),
    }


def children_cpu() -> float:
    """Return the CPU seconds of the processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def start_pages(work: Path) -> Figures:
    """Start a department's pages, until they answer."""
    ground, site = of_checkout("simulator.ground.department"), of_checkout("simulator.ground.site")
    processes = of_checkout("simulator.processes")
    free_port = of_checkout("simulator.brokers.daemon").free_port
    if not (work / "fleet").exists():
        fleet = site.throwaway_fleet(work / "fleet", agency="demo", subscribers=())
        fleet.add_custodian("records", required=True)
    else:
        fleet = of_checkout("provisioning.fleet.fleet").Fleet.load(work / "fleet")
    department = ground.ThrowawayDepartment(
        work / "department", fleet, "records", brokers=["localhost:8883"], log=work / "keeper.log"
    )
    if not department.exists:
        department.initialize()
    took, cpu = [], []
    with department.database.in_use():
        for _ in range(4):
            port = free_port()
            used, began = children_cpu(), time.perf_counter()
            pages = subprocess.Popen(
                processes.platepost("department", "serve", str(department.folder), "--web", f"127.0.0.1:{port}"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                _await_port(port)
                took.append(time.perf_counter() - began)
            finally:
                pages.send_signal(signal.SIGTERM)
                pages.wait(READY_SECONDS)
            cpu.append(children_cpu() - used)
    return {
        "start of the pages, until they answer, ms": 1000 * min(took),
        "start and end of the pages, ms of CPU": 1000 * min(cpu),
    }


def _await_port(port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=READY_SECONDS) as answer:
                answer.sendall(b"HEAD /log-in/ HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
                if answer.recv(12).startswith(b"HTTP/"):
                    return
        except ConnectionRefusedError:
            time.sleep(0.005)
    raise SystemExit("the pages do not answer")


MEASURES: dict[str, tuple[Callable[[Path], Figures], int]] = {
    "photo": (photo, 3),
    "lookup": (lookup, 3),
    "deliver": (deliver, 3),
    "ingest": (ingest, 3),
    "search": (search, 2),
    "post": (start_post, 3),
    "pages": (start_pages, 3),
}
"""Each with how many rounds it has: as many as fit into ten minutes."""


class Checkout:
    """A checkout to be measured, and a folder for what it makes.

    Args:
        path: where it is.
        work: the folder; short, because a database's socket is in it.

    """

    def __init__(self, path: Path, work: Path) -> None:
        self.path, self.work = path.resolve(), work
        metadata = work / "metadata" / "platepost-0.dist-info"  # so that commands are those of this checkout
        metadata.mkdir(parents=True)
        project = tomllib.loads((self.path / "pyproject.toml").read_text("utf-8"))["project"]
        metadata.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: platepost\nVersion: 0\n", "ascii")
        groups = {"console_scripts": project["scripts"]} | project["entry-points"]
        lines = [
            line
            for group, places in groups.items()
            for line in (f"[{group}]", *(f"{k} = {v}" for k, v in places.items()))
        ]
        metadata.joinpath("entry_points.txt").write_text("\n".join(lines) + "\n", "ascii")
        self.environment = os.environ | {
            "PYTHONPATH": f"{self.path}:{metadata.parent}",
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "",  # else each start compiles all that it imports
        }

    def measure(self, name: str) -> Figures:
        """Take one measure in a process of its own."""
        work = self.work / name
        work.mkdir(mode=0o711, exist_ok=True)
        command = [sys.executable, "-P", __file__, str(work), name, "--here"]
        done = subprocess.run(command, cwd=self.path, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{self.path}, {name}: {done.stderr[-3000:]}")
        figures: Figures = json.loads(done.stdout.splitlines()[-1])
        return figures


@contextmanager
def checkouts(other: Path) -> Iterator[tuple[Checkout, Checkout]]:
    """Make a folder for each."""
    with tempfile.TemporaryDirectory(prefix="pp-", dir="/tmp") as name:  # short, for a socket's path
        top = Path(name)
        top.chmod(0o711)
        for side in "ba":
            (top / side).mkdir(mode=0o711)
        yield Checkout(other, top / "b"), Checkout(HERE, top / "a")


def compare(other: Path, names: Sequence[str], rounds: int | None) -> bool:
    """Measure, print, and return whether nothing is slower."""
    slower = False
    began = time.monotonic()
    print(f"{'':52}{'before':>10}{'now':>10}{'':>9}   rounds")
    with checkouts(other) as (before, now):
        for name in names:
            figures: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
            count = rounds or MEASURES[name][1]
            for turn in range(2 * count):
                # before, now, now, before, and so on
                which = (turn + turn // 2) % 2
                for what, figure in (before, now)[which].measure(name).items():
                    figures[what][which].append(figure)
            for what, (then, since) in figures.items():
                ratio = min(since) / min(then)
                slower |= ratio > ALLOWED
                mark = "  slower" if ratio > ALLOWED else ""
                print(f"{what:52}{min(then):10.3f}{min(since):10.3f}{ratio - 1:+9.1%}   {count}{mark}", flush=True)
    print(f"in {time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}")
    return not slower


def main() -> int:
    """Compare, or take one measure of the checkout in whose folder this runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="the checkout to compare with")
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=f"of {', '.join(MEASURES)}")
    parser.add_argument("--rounds", type=int, help="of each measure in each checkout")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if unknown := set(given.measures) - MEASURES.keys():
        parser.error(f"no measures: {', '.join(unknown)}")
    if given.here:
        (name,) = given.measures
        print(json.dumps(MEASURES[name][0](given.other)))
        return 0
    return 0 if compare(given.other, given.measures or list(MEASURES), given.rounds) else 1


if __name__ == "__main__":
    sys.exit(main())

"""How fast one post delivers: outbox, signature, chain and mutual TLS to a real mosquitto, and how late a hit is.

::

    python benchmarks/delivery.py                          60,000 reads at 200 a second, a hit every second
    python benchmarks/delivery.py --reads 10000 --rate 0   as fast as it goes
    python benchmarks/delivery.py --one-core               broker and subscriber on the post's core too
    python benchmarks/delivery.py --custodian              records leave on a custodian's receipt
    python benchmarks/delivery.py --reads 720000 --rate 0 --memory memory.csv
                                                           an hour's worth of 200 a second, memory every 5 s into a file

The post has one core to itself; mosquitto, a subscriber and a custodian, each a process, have the others. A hit's delay
runs from before its record is made to its arrival at the subscriber; both clocks are this machine's.
"""

import argparse
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import paho.mqtt.client as mqtt
from joserfc.jwk import ECKey

from platepost.device.config import load
from platepost.device.outbox.custody import Requirements
from platepost.device.outbox.outbox import Outbox
from platepost.device.uplink.inbox import Delivery
from platepost.device.uplink.uplink import Uplink
from platepost.provisioning.connection import secured_client
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.trust.key_files import KeyFiles
from platepost.simulator.brokers.mosquitto import Broker
from platepost.simulator.ground.site import READS
from platepost.wire.contract.examples import LIST, example_sight, example_status
from platepost.wire.jose import open_signed_by, read_payload
from platepost.wire.records import Hit, Picture, Purpose, Read, Recorder, Signer, Source, new_identifier
from platepost.wire.records.receipt import RECEIPT_TYPE, Receipt
from tests.campaigns.keeper_process import KeeperProcess, forks

AGENCY, POST, SUBSCRIBER, CUSTODIAN = "bench", "post-1", "console", "records"
PATCH, OVERVIEW = 3072, 25600
MOST_WAITING = 4000
SAMPLE_SECONDS = 5.0
LEAST_NOTES = 12
"""Of memory, before a slope is more than noise."""


def subscribe(identity: Path, port: int, cores: set[int], pipe: Connection) -> None:
    """Count what arrives and time hits until told to stop."""
    os.sched_setaffinity(0, cores)
    seen: set[bytes] = set()
    delays: list[float] = []
    repeated = 0

    def arrived(_client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        nonlocal repeated
        place = message.payload.find(b'"id":"') + 6
        identifier = message.payload[place : place + 36]
        repeated += identifier in seen
        if identifier not in seen and "/hit/" in message.topic:
            place = message.payload.find(b'"captured":"') + 12
            captured = datetime.fromisoformat(message.payload[place : place + 24].decode())
            delays.append((datetime.now(UTC) - captured).total_seconds())
        seen.add(identifier)

    client = secured_client(identity)
    client.on_message = arrived
    client.on_subscribe = lambda *_: pipe.send("ready")
    client.connect("localhost", port)
    client.subscribe([(f"alpr/v1/{AGENCY}/+/read", 1), (f"alpr/v1/{AGENCY}/+/hit/+", 1)])
    client.loop_start()
    while pipe.recv() == "count":
        pipe.send(len(seen))
    pipe.send((delays, repeated))
    client.loop_stop()


class Memory:
    """The resident memory of this process, noted every five seconds."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._next = 0.0
        self.notes: list[tuple[float, int, float, int]] = []
        """Seconds on the monotonic clock, reads recorded, MB resident, records waiting."""

    def note(self, reads: int, *, now: bool = False) -> None:
        """Note it after so many reads, if the time for it has come or it is wanted `now`."""
        seconds = time.monotonic()
        if now or seconds >= self._next:
            self._next = seconds + SAMPLE_SECONDS
            resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
            self.notes.append((seconds, reads, resident, self._outbox.depth()))

    def print(self) -> None:
        """Print the start, each eighth and the end, and the slope after the first tenth, where start-up is over."""
        last = self.notes[-1][1]
        eighths = [next(note for note in self.notes if note[1] >= last * part / 8) for part in range(8)]
        for _, reads, resident, depth in dict.fromkeys([*eighths, self.notes[-1]]):
            print(f"{resident:10.1f} MB resident after {reads} reads, {depth} waiting")
        settled = [note for note in self.notes if note[1] >= last / 10]
        if len(settled) >= LEAST_NOTES:
            slope = statistics.linear_regression([note[1] for note in settled], [note[2] for note in settled]).slope
            print(f"{slope * 1e5:+10.3f} MB for each 100,000 reads, from read {settled[0][1]} on")

    def write(self, file: Path) -> None:
        """Write every note as a line of CSV."""
        lines = (
            f"{seconds - self.notes[0][0]:.1f},{reads},{mb:.3f},{depth}" for seconds, reads, mb, depth in self.notes
        )
        file.write_text("\n".join(["seconds,reads,resident_mb,waiting", *lines]) + "\n")


def produce(
    recorder: Recorder, waiting: Callable[[], int], reads: int, rate: float, progress: Callable[[int], None]
) -> int:
    """Record reads, and a hit for each second's worth; return how many hits."""
    patch = Picture.of("patch", os.urandom(PATCH), width=90, height=45)
    overview = Picture.of("overview", os.urandom(OVERVIEW), width=640, height=360)
    every = round(rate) or 200
    hits = 0
    began = time.monotonic()
    for number in range(reads):
        sight = example_sight(new_identifier()) | {"pictures": (patch,)}
        if number % every == every // 2:
            now = {"captured": datetime.now(UTC), "pictures": (patch, overview)}
            hit = {"hit": new_identifier(), "plate_matched": "7ABC123", "match": "exact", "category": "stolen"}
            more = {"priority": 1, "hotlist": LIST, "hotlist_stale": False}
            recorder.record(Hit.model_validate(sight | hit | more | now))
            hits += 1
        recorder.record(Read.model_validate(sight | {"hotlist": dict(LIST) | {"result": "no_match"}}))
        progress(number + 1)
        if rate:
            time.sleep(max(0.0, began + (number + 1) / rate - time.monotonic()))
        elif number % 100 == 0:
            while waiting() > MOST_WAITING:
                time.sleep(0.01)
    return hits


def take_receipts(uplink: Uplink, outbox: Outbox, key: Path) -> None:
    """Have records leave on the receipts of a custodian whose public key this is."""
    keys = [ECKey.import_key(key.read_bytes())]
    outbox.require(Requirements(in_force=True, open=frozenset({CUSTODIAN})))

    def taken(delivery: Delivery) -> None:
        signed, _ = open_signed_by(delivery.payload, typ=RECEIPT_TYPE, keys=keys)
        receipt = read_payload(signed.payload, Receipt, "receipt")
        outbox.take_receipt(receipt.custodian, receipt.chain, receipt.ranges)

    uplink.subscribe(Source(AGENCY, POST).receipt(CUSTODIAN), taken)


def run_post(file: Path, given: argparse.Namespace, cores: set[int], custody_key: Path | None) -> None:
    """Be the post."""
    reads = given.reads
    os.sched_setaffinity(0, cores)
    configuration = load(file)
    with Outbox(configuration.outbox.path, key=bytes(32)) as outbox:
        signer = Signer.from_file(configuration.records.signing_key)
        recorder = Recorder(outbox, signer, Source(AGENCY, POST))
        uplink = Uplink(
            configuration.uplink,
            outbox,
            client_id=POST,
        )
        uplink.will = lambda: recorder.unchained(example_status("offline", new_identifier()))
        if custody_key:
            take_receipts(uplink, outbox, custody_key)
        uplink.start()
        while not uplink.state().connected:
            time.sleep(0.05)
        memory = Memory(outbox)
        memory.note(0, now=True)

        def waiting() -> int:
            return outbox.depth()

        before = time.process_time()
        began = time.monotonic()
        hits = produce(recorder, waiting, reads, given.rate, memory.note)
        produced = time.monotonic() - began
        most_sent = outbox.backlog().sent
        while custody_key and time.monotonic() - began < produced + 120 and (waiting() or outbox.backlog().sent):
            time.sleep(0.05)
        uplink.drain(120)
        memory.note(reads, now=True)
        seconds, cpu = time.monotonic() - began, time.process_time() - before
        total = reads + hits
        print(f"{reads} reads and {hits} hits: recorded in {produced:.1f} s, all delivered after {seconds:.1f} s")
        if custody_key:
            print(f"{most_sent:10d} records waited for a receipt at the end, {outbox.backlog().sent} got none")
        print(f"{reads / seconds:10.0f} reads/s delivered on core {sorted(cores)}")
        print(f"{cpu / total * 1e3:10.2f} ms of the processor a record: {total / cpu:.0f} records/s at most on it")
        memory.print()
        if given.memory:
            memory.write(given.memory)


def main() -> None:
    """Set up broker, subscriber and post, and print what came of it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--reads", type=int, default=60_000)
    options.add_argument("--rate", type=float, default=200.0, help="reads a second; 0 is as fast as it goes")
    options.add_argument("--one-core", action="store_true", help="broker and subscriber share the post's core")
    options.add_argument("--custodian", action="store_true", help="a custodian keeps the records and signs for them")
    options.add_argument("--memory", type=Path, metavar="FILE", help="write the resident memory over time here, as CSV")
    given = options.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    posts, others = {cores[0]}, set(cores[:1] if given.one_core else cores[1:] or cores)
    processes = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fleet = Fleet.create(folder / "fleet", agency=AGENCY, custodian=CUSTODIAN if given.custodian else None)
        identity = fleet.add_subscriber(SUBSCRIBER, reads=READS)
        os.sched_setaffinity(0, others)
        with Broker(fleet, folder / "broker") as broker, ExitStack() as around:
            keeper = KeeperProcess(fleet, CUSTODIAN, broker=broker.address, folder=folder / "kept", context=forks())
            if given.custodian:
                keeper.start()
                around.callback(keeper.stop)
                keeper.wait_until_ready()
            settings = PostSettings(brokers=(broker.address,), camera="none")
            post = fleet.add_post(POST, settings) / "post.toml"
            ours, theirs = processes.Pipe()
            subscriber = processes.Process(target=subscribe, args=(identity, broker.port, others, theirs), daemon=True)
            subscriber.start()
            ours.recv()
            keys = KeyFiles(Purpose.CUSTODY, fleet.custodian(CUSTODIAN), CUSTODIAN)
            key = keys.verifying if given.custodian else None
            child = processes.Process(target=run_post, args=(post, given, posts, key))
            child.start()
            child.join()
            until = time.monotonic() + timedelta(seconds=30).total_seconds()
            ours.send("count")
            while (count := ours.recv()) < given.reads and time.monotonic() < until:
                time.sleep(0.2)
                ours.send("count")
            ours.send("stop")
            delays, repeated = ours.recv()
    print(f"{count:10d} different records at the subscriber, {repeated} more than once")
    if delays:
        ordered = sorted(delays)
        print(f"{statistics.median(delays) * 1e3:10.1f} ms median from capture to subscriber of {len(delays)} hits")
        print(f"{ordered[int(0.95 * (len(ordered) - 1))] * 1e3:10.1f} ms for 95 of 100 of them")


if __name__ == "__main__":
    main()

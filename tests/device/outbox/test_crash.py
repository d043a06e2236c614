"""kill -9 in the middle of appends: what was said to be stored is there, and the chain has no break."""

import random
from collections.abc import Callable
from pathlib import Path

from platepost.device.outbox.outbox import Outbox
from platepost.wire.contract.examples import ExampleSigner, example_audit
from platepost.wire.records import Keyring, Recorder, Source
from platepost.wire.verify.verify import Verifier
from tests.device.killed import killed_child
from tests.thorough import THOROUGH

KEY = bytes(range(32))
ROUNDS = 20 if THOROUGH else 6
"""Each looks at all that those before have stored."""


def killed_recorder(path: Path, *, seconds: float) -> dict[int, str]:
    """Let a child append for `seconds` after its first record; return what it said was stored."""

    def work(say: Callable[[str], None]) -> None:
        outbox = Outbox(path, key=KEY)
        recorder = Recorder(outbox, ExampleSigner(), Source("demo", "post-1"))
        while True:
            envelope = recorder.record(example_audit("boot"))
            say(f"{envelope.sequence} {envelope.id}")

    lines = killed_child(work, seconds=seconds)
    return {int(line.split()[0]): line.split()[1] for line in lines}


def test_nothing_said_to_be_stored_is_lost_to_kill_9(path: Path) -> None:
    chance = random.Random(20)
    keys = Keyring.from_pem(ExampleSigner().public_pem)
    stored: dict[int, str] = {}
    for _ in range(ROUNDS):
        fresh = killed_recorder(path, seconds=chance.uniform(0.0, 0.08))
        assert fresh, "the child failed, or was killed before it stored anything"
        stored |= fresh
        with Outbox(path, key=KEY) as outbox:
            assert outbox.set_aside == ()
            found = outbox.next(100_000)
            assert stored.items() <= {envelope.sequence: envelope.id for envelope in found}.items()
            report = Verifier(keys, whole=True).feed_all(envelope.body for envelope in found)
            assert report.problems == ()
            assert report.chained == outbox.head.sequence

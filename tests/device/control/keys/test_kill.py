"""kill -9 while keys are taken: what was said to be taken is gone by, or the next, which was on its way."""

import random
import signal
from collections.abc import Callable
from pathlib import Path

from tests.device.control.keys.clerk import NOW, Clerk
from tests.device.control.test_kill import ROUNDS
from tests.device.killed import killed_child

STEPS = 120


def test_a_key_that_was_taken_is_gone_by(tmp_path: Path) -> None:
    chance = random.Random(11)
    clerk = Clerk(tmp_path / "control")
    begin = 0
    clerk.key("key 0")
    told = [
        clerk.say(f"key {number - 1}", f"key {number}", f"key {number - 1}", number=number)
        for number in range(1, STEPS + 1)
    ]
    for _ in range(ROUNDS):

        def work(say: Callable[[str], None], begin: int = begin) -> None:
            keys = clerk.post("key 0")
            for number in range(begin + 1, begin + STEPS // ROUNDS + 1):
                keys.receive(told[number - 1], at=NOW)
                say(str(keys.state(NOW).number))
            signal.pause()  # a fast machine has done all of this round's before it is killed

        said = killed_child(work, seconds=chance.uniform(0, 0.03))
        taken = int(said[-1]) if said else begin
        keys = clerk.post("key 0")
        assert keys.take_events() == ()
        begin = keys.state(NOW).number
        assert begin in {taken, taken + 1}
        assert clerk.names(keys.arriving(NOW)) == {f"key {begin}", f"key {begin - 1}"}
    assert 0 < begin <= STEPS

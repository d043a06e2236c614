import gzip
import json
import shlex
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.device.cli import platepost
from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.brokers.mosquitto import mosquitto_path
from platepost.simulator.errors import PlaybackError
from platepost.simulator.ground.subscriber import Subscriber
from platepost.simulator.messages import recording
from platepost.simulator.messages.day import Day, draw
from platepost.simulator.messages.replay import add_posts, replay
from platepost.simulator.testing import SimulatedSite
from platepost.wire.records import read_event
from platepost.wire.records.signing import Keyring
from platepost.wire.verify.verify import Verifier

DAY = Day(posts=2, vehicles=40, hits=0.3, began=datetime(2026, 3, 17, tzinfo=UTC))


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("messages") / "day.jsonl.gz"
    recording.write(path, *draw(DAY))
    return path


def messages(path: Path) -> list[recording.Message]:
    with recording.read(path) as (_, found):
        return list(found)


def test_same_seed_draws_the_same_bytes_and_another_does_not(day: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again.jsonl.gz", tmp_path / "other.jsonl.gz"
    recording.write(again, *draw(DAY))
    recording.write(other, *draw(Day(posts=2, vehicles=40, hits=0.3, seed=2, began=DAY.began)))
    assert again.read_bytes() == day.read_bytes() != other.read_bytes()


def test_every_record_is_of_the_contract_and_every_chain_verifies(day: Path) -> None:
    with recording.read(day) as (head, found):
        every = list(found)
    assert [message.at for message in every] == sorted(message.at for message in every)
    kinds = Counter(read_event(json.loads(message.payload)).type for message in every)
    assert set(kinds) == {f"platepost.{kind}.v1" for kind in ("audit", "hit", "hit.withdrawn", "read", "status")}
    for post, pem in head.keys.items():
        verifier = Verifier(Keyring.from_pem(pem.encode()), whole=True)
        report = verifier.feed_all(message.payload for message in every if message.post == post)
        assert report.intact, report.problems
        assert report.chained == sum(message.post == post for message in every)


def test_messages_are_as_a_post_publishes_them(day: Path) -> None:
    for message in messages(day):
        event = json.loads(message.payload)
        assert message.topic.startswith(event["source"].removeprefix("//") + "/")
        assert message.retain == (event["type"] == "platepost.status.v1")
        assert message.qos == 1


@pytest.mark.parametrize(
    ("line", "damage", "said"),
    [
        (1, "{}", "line 1: not a recording"),
        (2, "[]", "line 2: no message"),
        (3, '{"at": 1}', "line 3"),
        (4, "{", "line 4: no JSON"),
        (4, '{"at":0,"topic":"alpr","qos":1,"retain":false,"payload":{}}', "line 4: 'alpr' is not a topic of a post"),
    ],
)
def test_damage_is_named_with_its_line(day: Path, tmp_path: Path, line: int, damage: str, said: str) -> None:
    lines = gzip.decompress(day.read_bytes()).decode().splitlines()
    lines[line - 1] = damage
    path = tmp_path / "damaged.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(PlaybackError, match=said):
        messages(path)


def test_file_that_ends_early_is_damaged(day: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.jsonl.gz"
    path.write_bytes(day.read_bytes()[:-1000])
    with pytest.raises(PlaybackError, match="line"):
        messages(path)


@pytest.mark.parametrize("name", ["day.jsonl", "day.jsonl.gz"])
def test_a_place_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    given = ["simulate", "messages", "draw", str(tmp_path / "nowhere" / name), "--vehicles", "2"]
    with pytest.raises(PlaybackError, match=r"cannot be written \(No such file or directory\)"):
        CliRunner().invoke(platepost, given, catch_exceptions=False)


@pytest.mark.end_to_end
@pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools")
def test_subscriber_hears_a_replayed_day(day: Path, tmp_path: Path) -> None:
    archive = tmp_path / "records.jsonl"
    waits: list[float] = []
    with SimulatedSite(tmp_path / "site") as broker, recording.read(day) as (head, found):
        console = Subscriber(broker.identity("console"), agency="demo", broker=broker.address, archive=archive)
        with console:
            add_posts(broker, head)
            count = replay(found, fleet=broker.fleet, broker=broker.address, speed=1e9, wait=waits.append)
            assert console.wait_for(lambda arrivals: len(arrivals) == count, timeout=60)
    assert len(waits) == count
    assert sorted(json.loads(line)["id"] for line in archive.read_text().splitlines()) == sorted(
        json.loads(message.payload)["id"] for message in messages(day)
    )


@pytest.mark.end_to_end
@pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools")
def test_fleet_and_broker_are_made_where_there_is_none(day: Path, tmp_path: Path) -> None:
    given = ["simulate", "messages", "replay", str(day), "--directory", str(tmp_path / "my replay"), "--speed", "1e6"]
    outcome = CliRunner().invoke(platepost, given, catch_exceptions=False)
    assert outcome.exit_code == 0
    assert f"{len(messages(day))} messages replayed" in outcome.output
    keys = Path(shlex.split(outcome.output.splitlines()[1])[-1])
    assert keys.parent == tmp_path / "my replay"
    assert {path.name for path in keys.iterdir()} == {"post-1.pem", "post-2.pem"}


def test_fleet_without_the_recording_s_post_is_named(day: Path, tmp_path: Path) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="demo")
    with pytest.raises(PlaybackError, match="post-1"):
        replay(messages(day), fleet=fleet, broker="localhost:1", speed=1e9)


@pytest.mark.end_to_end
@pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools")
def test_a_program_is_waited_for_as_a_person_is(day: Path, tmp_path: Path) -> None:
    program = [sys.executable, "-c", "import sys; from platepost.device.cli import main; sys.exit(main())"]
    words = ["simulate", "messages", "replay", day, "--directory", tmp_path / "replay", "--speed", "1e6", "--wait"]
    with subprocess.Popen([*program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            if line == "Enter begins.\n":
                break
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        said, _ = process.communicate("\n", timeout=60)
    assert said.endswith("messages replayed.\n")

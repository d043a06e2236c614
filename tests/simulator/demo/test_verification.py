import json
from pathlib import Path
from typing import Any

import pytest

from platepost.provisioning.trust.keys import new_key, private_pem
from platepost.simulator.demo.outcome import Verification
from platepost.simulator.demo.run import said_farewell, verify_archive
from platepost.wire.records import Source


@pytest.fixture
def talkative(post: Any) -> Any:
    post.boots()
    post.stands("online")
    post.reads("7ABC123", 10, 40)
    post.pulses(10.0, 5.0)
    post.reads("8XYZ900", 50, 90)
    post.stands("offline")
    return post


def verified(tmp_path: Path, post: Any, *, key: bytes | None = None) -> Verification:
    archive, public = tmp_path / "records.jsonl", tmp_path / "key.pem"
    archive.write_text("".join(json.dumps(arrival.event) + "\n" for arrival in post.arrivals))
    public.write_bytes(key or post.key)
    return verify_archive(archive, public, Source("demo", "post-1"), farewell=said_farewell(post.arrivals))


def test_whole_archive_has_no_problem(tmp_path: Path, talkative: Any) -> None:
    assert verified(tmp_path, talkative) == Verification(records=6, chained=5, problems=())


@pytest.mark.parametrize("index", [0, 2])
def test_record_left_out_is_named(tmp_path: Path, talkative: Any, index: int) -> None:
    del talkative.arrivals[index]
    problems = verified(tmp_path, talkative).problems
    assert len(problems) == 1
    assert "missing" in problems[0]


def test_last_record_left_out_is_noticed_by_the_farewell(tmp_path: Path, talkative: Any) -> None:
    del talkative.arrivals[-1]
    assert "farewell" in verified(tmp_path, talkative).problems[0]


def test_changed_record_is_named(tmp_path: Path, talkative: Any) -> None:
    talkative.arrivals[2].event["data"]["plate_read"] = "7ABC124"
    assert "changed" in verified(tmp_path, talkative).problems[0]


def test_other_key_makes_every_record_foreign(tmp_path: Path, talkative: Any) -> None:
    problems = verified(tmp_path, talkative, key=private_pem(new_key())).problems
    assert sum("foreign" in problem for problem in problems) == 6

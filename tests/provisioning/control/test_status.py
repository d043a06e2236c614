import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from joserfc.util import json_b64encode
from rich.console import Console

from platepost.provisioning.commands.status import line, table
from platepost.provisioning.control.rollout import Rollout
from platepost.provisioning.control.status import CheckResult, Grade, judge, overall, record_keys
from platepost.provisioning.fleet.fleet import Fleet
from platepost.wire.faults import Fault
from platepost.wire.records import (
    ClockQuality,
    HotListState,
    Keyring,
    KeyState,
    PerceivedSeverity,
    Purpose,
    Reason,
    RefusedKeys,
    SyntheticHit,
    new_identifier,
)
from platepost.wire.records.configuration import ConfigurationState, RefusedConfiguration
from platepost.wire.records.signing import read_key
from tests.provisioning.control.conftest import said

NOW = datetime.now(UTC)


def made_up(*, hours: float) -> SyntheticHit:
    return SyntheticHit(hit=new_identifier(), made=NOW - timedelta(hours=hours), every_minutes=60)


def judged(fleet: Fleet, body: bytes | None, post: str = "post-1") -> CheckResult:
    return judge(post, body, Keyring.from_files(fleet.record_key(post)))


def test_a_post_that_works_is_ok(fleet: Fleet) -> None:
    row = judged(fleet, said(fleet, "post-1"))
    assert (row.state, row.grade, row.remarks) == ("online", Grade.OK, ())


@pytest.mark.parametrize(
    ("state", "faults", "changed", "grade", "remark"),
    [
        ("degraded", ["clock_unsynchronised"], {}, Grade.WARNING, "clock_unsynchronised (minor)"),
        ("degraded", ["storage_low"], {}, Grade.WARNING, "storage_low (major)"),
        ("degraded", ["camera_black"], {}, Grade.CRITICAL, "camera_black (critical)"),
        ("degraded", ["not_accepted"], {}, Grade.CRITICAL, "not_accepted (critical)"),
        ("degraded", ["of_a_newer_version"], {}, Grade.WARNING, "of_a_newer_version (major)"),
        (
            "degraded",
            [],
            {"reasons": [Reason(name="new_one", message="x", severity=PerceivedSeverity.CRITICAL)]},
            Grade.CRITICAL,
            "new_one (critical)",
        ),
        (
            "degraded",
            ["clock_unsynchronised", "storage_low", "tamper_open"],
            {},
            Grade.CRITICAL,
            "tamper_open (critical) storage_low (major) clock_unsynchronised (minor)",
        ),
        ("offline", [], {}, Grade.CRITICAL, "offline since"),
        ("online", [], {"certificate_expires": NOW + timedelta(days=20)}, Grade.WARNING, "certificate ends in"),
        ("online", [], {"certificate_expires": NOW + timedelta(days=3)}, Grade.CRITICAL, "certificate ends in"),
        ("online", [], {"certificate_expires": NOW - timedelta(days=3)}, Grade.CRITICAL, "certificate has ended"),
        ("online", [], {"last_read": NOW - timedelta(hours=30)}, Grade.WARNING, "nothing read for 30 h"),
        ("online", [], {"last_read": None}, Grade.OK, ""),
        ("online", [], {"notices": [Reason(name="no_custodian", message="x")]}, Grade.OK, "no_custodian"),
        ("online", [], {"notices": [Reason(name="synthetic_unlisted", message="x")]}, Grade.OK, "synthetic_unlisted"),
        ("online", [], {"last_synthetic": made_up(hours=1)}, Grade.OK, ""),
        ("online", [], {"last_synthetic": made_up(hours=3)}, Grade.WARNING, "no synthetic hit for 3."),
        ("offline", [], {"last_synthetic": made_up(hours=3)}, Grade.CRITICAL, "offline since"),
        ("online", [], {"notices": [Reason(name="near_matching", message="x")]}, Grade.WARNING, "near_matching"),
        (
            "offline",
            [],
            {"hotlist": HotListState(state="current", version=7, built=NOW - timedelta(hours=50), age_seconds=60)},
            Grade.CRITICAL,
            "built 50 h ago",
        ),
        (
            "online",
            [],
            {
                "configuration": ConfigurationState(
                    state="file", refused=RefusedConfiguration(version=4, reason="expired", message="x")
                )
            },
            Grade.WARNING,
            "configuration 4 refused: expired",
        ),
    ],
)
def test_what_ails_it_is_graded_and_said(
    fleet: Fleet, *, state: str, faults: list[str], changed: dict[str, Any], grade: Grade, remark: str
) -> None:
    row = judged(fleet, said(fleet, "post-1", state, *faults, **changed))
    assert (row.state, row.grade) == (state, grade)
    assert remark in " ".join(row.remarks)


def test_silence_is_critical(fleet: Fleet) -> None:
    assert judged(fleet, None).state == "silent"
    assert judged(fleet, None).grade is Grade.CRITICAL


def test_a_status_that_is_no_longer_good_is_silence(fleet: Fleet) -> None:
    body = said(fleet, "post-1", valid_seconds=660)
    keys = Keyring.from_files(fleet.record_key("post-1"))
    made = datetime.fromisoformat(json.loads(body)["time"])
    young = judge("post-1", body, keys, at=made + timedelta(seconds=660))
    assert (young.state, young.grade) == ("online", Grade.OK)
    old = judge("post-1", body, keys, at=made + timedelta(seconds=661))
    assert (old.state, old.grade) == ("silent", Grade.CRITICAL)
    assert old.remarks == (f"silent since {made:%Y-%m-%d %H:%M} UTC",)
    for_good = said(fleet, "post-1")
    assert judge("post-1", for_good, keys, at=made + timedelta(days=9)).state == "online", "a post of an older version"


def test_a_clock_that_is_not_set_makes_no_post_silent_but_is_said(fleet: Fleet) -> None:
    keys = Keyring.from_files(fleet.record_key("post-1"))
    clock = ClockQuality(source="kernel", synchronised=False, held_seconds=3600)
    row = judge("post-1", said(fleet, "post-1", clock=clock, valid_seconds=660), keys)
    assert (row.state, row.grade) == ("online", Grade.WARNING)
    assert row.remarks[0].endswith("by its own clock, which is not set")


def test_of_a_post_that_fell_silent_is_said_when_it_connected(fleet: Fleet) -> None:
    began = datetime(2026, 5, 1, 8, 30, tzinfo=UTC)
    row = judged(fleet, said(fleet, "post-1", "offline", since=began, will=True))
    assert (row.state, row.grade) == ("offline", Grade.CRITICAL)
    assert row.remarks == ("fell silent; had connected 2026-05-01 08:30 UTC",)


def test_what_is_not_the_post_s_own_is_not_believed(fleet: Fleet) -> None:
    good, other = said(fleet, "post-1"), said(fleet, "post-2")
    for body in (other, good.replace(b'"online"', b'"degraded"'), good[:-2], b"", b"[]", b"{}"):
        row = judged(fleet, body)
        assert (row.state, row.grade) == ("unverified", Grade.CRITICAL)
        assert row.status is None
    renamed = judge("post-3", good, Keyring.from_files(fleet.record_key("post-1")))
    assert renamed.remarks == ("it is another post's",)
    assert judge("post-9", good, None).remarks == ("the fleet has no record key of it",)


def test_a_signature_that_is_none_makes_one_post_unverified(fleet: Fleet) -> None:
    event = json.loads(said(fleet, "post-1"))
    kid = read_key(fleet.record_key("post-1").read_bytes()).thumbprint()
    header = json_b64encode({"alg": "ES256", "kid": kid, "crit": 1}).decode()
    event["signature"] = f"{header}..{event['signature'].partition('..')[2]}"
    assert judged(fleet, json.dumps(event).encode()).state == "unverified"


def test_a_fleet_is_as_bad_as_its_worst_post_and_one_line_says_so(fleet: Fleet) -> None:
    rows = [
        judged(fleet, said(fleet, "post-1")),
        judged(fleet, said(fleet, "post-2", "degraded", "falling_behind"), "post-2"),
    ]
    assert overall(rows) is Grade.WARNING
    text = line(rows)
    assert text.startswith("FLEET WARNING - 1 degraded, 1 online; post-2: falling_behind (major) | ")
    assert text.endswith("online=1 degraded=1 offline=0 silent=0")
    assert overall([]) is Grade.UNKNOWN


def test_the_table_fits_a_narrow_terminal_and_says_all_that_ails(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    notice = Reason(name="broker_certificate_expiring", message="x")
    ill = judged(fleet, said(fleet, "post-1", "degraded", *Fault, notices=[notice]))
    expires = NOW + timedelta(days=300)
    well = judged(fleet, said(fleet, "post-2", certificate_expires=expires), "post-2")
    rows = [well, replace(ill, post="north-bridge"), replace(ill, post="a-post-with-a-name-of-32-letters")]
    monkeypatch.setenv("COLUMNS", "80")
    console = Console(record=True, file=StringIO())
    assert console.width == 80
    console.print(table(rows, width=console.width))
    text = console.export_text()
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert text.index("north-bridge") < text.index("post-2"), "the worst first"
    for name in (*Fault, notice.name):
        assert sum(name in one.split() for one in lines) == 2, f"{name} is whole"
    assert "a-post-with-" in text
    monkeypatch.setenv("COLUMNS", "160")
    console = Console(record=True, file=StringIO())
    console.print(table(rows, width=console.width))
    text = console.export_text()
    assert "certificate" in text.splitlines()[0]
    assert "a-post-with-a-name-of-32-letters" in text
    assert f"{expires:%Y-%m-%d}" in text


KEY, OTHER = "A" * 43, "B" * 43


@pytest.mark.parametrize(
    ("keys", "remarks"),
    [
        ([KeyState(purpose=Purpose.LISTS, key=KEY, era=0, number=1)], []),
        ([KeyState(purpose=Purpose.LISTS, key=OTHER, era=0, number=0)], ["goes by another key for lists"]),
        ([KeyState(purpose=Purpose.CONFIGURATION, key=KEY, era=0, number=1)], ["has no key for lists"]),
        (
            [
                KeyState(
                    purpose=Purpose.LISTS,
                    key=KEY,
                    era=0,
                    number=1,
                    refused=RefusedKeys(era=0, number=1, reason="older"),
                )
            ],
            ["keys for lists, statement 0.1, refused: older"],
        ),
    ],
)
def test_keys_are_judged_where_one_was_ever_replaced(fleet: Fleet, keys: list[KeyState], remarks: list[str]) -> None:
    body = said(fleet, "post-1", keys=tuple(keys))
    ring = Keyring.from_files(fleet.record_key("post-1"))
    row = judge("post-1", body, ring, announced={Purpose.LISTS: KEY})
    assert list(row.remarks) == remarks
    assert row.grade is (Grade.WARNING if remarks else Grade.OK)


def test_key_that_cannot_be_read_is_that_post_s_matter_alone(fleet: Fleet) -> None:
    fleet.record_key("post-1").write_text("damaged")
    fleet.record_key("post-2").unlink()
    keys = {post: record_keys(fleet, post) for post in fleet.posts()}
    assert [post for post, known in keys.items() if known is None] == ["post-1", "post-2"]
    assert judge("post-1", said(fleet, "post-1", "online"), keys["post-1"]).state == "unverified"
    Rollout(fleet, None, who="j-stone", apply_seconds=1, watch_seconds=1, say=print)  # type: ignore[arg-type]

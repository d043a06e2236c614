"""Who hears every read: for a reason, until a day, and what of those whom no one has asked."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from platepost.provisioning.brokers.rights import Party
from platepost.provisioning.cli import provision
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.reads import LONGEST_DAYS, READS_FILE, ReadsGrant, warning

TODAY = datetime.now(UTC).date()
WHY = ("--purpose", "order 31")


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet.create(tmp_path / "fleet", agency="riverside", administrator="j-stone")


def run(fleet: Fleet, verb: str, *words: str) -> Result:
    return CliRunner().invoke(provision, ["subscriber", verb, str(fleet.directory), *words, *WHY])


def heard(fleet: Fleet, name: str) -> set[str]:
    """Return what mosquitto's access list lets a client read, below any post."""
    rights = fleet.broker.access_list.read_text().partition(f"user {name}\n")[2].partition("\n\n")[0]
    return set(re.findall(r"^topic read alpr/v1/riverside/\+/(\S+)$", rights, re.MULTILINE))


def test_a_subscriber_hears_hits_status_and_health_and_reads_only_by_a_grant_that_is_logged(fleet: Fleet) -> None:
    assert run(fleet, "add", "dispatch").exit_code == 0
    assert heard(fleet, "dispatch") == {"hit/+", "status", "health"}
    until = TODAY + timedelta(days=90)
    assert run(fleet, "add", "analysis", "--reads", "a study", "--until", str(until)).exit_code == 0
    assert heard(fleet, "analysis") == {"hit/+", "status", "health", "read", "audit"}
    assert fleet.clients()["dispatch"] is Party.SUBSCRIBER
    assert fleet.clients()["analysis"] is Party.READER
    (*_, act) = fleet.acts
    assert (act.action, act.details["reads"], act.details["until"]) == ("subscriber_added", "a study", str(until))


def test_a_grant_can_be_given_and_ended_later_and_both_are_logged(fleet: Fleet) -> None:
    run(fleet, "add", "dispatch")
    assert (
        run(fleet, "reads", "dispatch", "--reads", "a study", "--until", str(TODAY + timedelta(days=1))).exit_code == 0
    )
    assert "read" in heard(fleet, "dispatch")
    assert run(fleet, "reads", "dispatch", "--end").exit_code == 0
    assert "read" not in heard(fleet, "dispatch")
    assert [act.action for act in fleet.acts][-2:] == ["reads_granted", "reads_ended"]
    assert run(fleet, "reads", "nobody", "--end").exit_code != 0


@pytest.mark.parametrize(
    "words", [("--reads", "a study"), ("--until", "2099-01-01"), ("--reads", "a study", "--until", "2099-01-01"), ()]
)
def test_reads_need_a_reason_and_an_end_within_a_year(fleet: Fleet, words: tuple[str, ...]) -> None:
    run(fleet, "add", "dispatch")
    assert run(fleet, "reads", "dispatch", *words).exit_code != 0
    assert "read" not in heard(fleet, "dispatch")


def test_the_bounds_of_a_grant() -> None:
    today = date(2026, 3, 1)
    assert ReadsGrant.of("why", today, today=today).until == today
    assert ReadsGrant.of("why", today + timedelta(days=LONGEST_DAYS), today=today)
    for reason, days in (("why", -1), ("why", LONGEST_DAYS + 1), (" ", 1)):
        with pytest.raises(ProvisioningError):
            ReadsGrant.of(reason, today + timedelta(days=days), today=today)
    last_moment = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
    assert not ReadsGrant("why", today).is_over(last_moment)
    assert ReadsGrant("why", today).is_over(last_moment + timedelta(seconds=1))


def test_rights_that_are_written_after_the_end_have_no_reads(fleet: Fleet) -> None:
    fleet.add_subscriber("analysis", reads=ReadsGrant("a study", TODAY - timedelta(days=1)))
    assert "read" not in heard(fleet, "analysis")
    folder = fleet.subscriber("analysis")
    (folder / READS_FILE).write_text(
        json.dumps({"reads": {"reason": "a study", "until": str(TODAY + timedelta(days=1))}})
    )
    assert CliRunner().invoke(provision, ["broker", "rights", str(fleet.directory)]).exit_code == 0
    assert "read" in heard(fleet, "analysis")


def test_a_subscriber_of_an_earlier_version_keeps_what_it_had_and_is_told_of(fleet: Fleet) -> None:
    fleet.add_subscriber("old")
    (fleet.subscriber("old") / READS_FILE).unlink()
    fleet.write_access_list()
    assert heard(fleet, "old") == {"hit/+", "status", "health", "read", "audit"}
    said = warning(fleet.subscribers(), fleet.reads(), fleet.broker.access_list.read_text())
    assert said == "without a reason or an end every read goes to: old (subscriber reads)"
    run(fleet, "reads", "old", "--end")
    assert warning(fleet.subscribers(), fleet.reads(), fleet.broker.access_list.read_text()) is None


def test_an_end_is_told_before_and_after_until_the_broker_s_rights_are_written(fleet: Fleet) -> None:
    until = TODAY + timedelta(days=30)
    fleet.add_subscriber("analysis", reads=ReadsGrant("a study", until))
    granted = fleet.broker.access_list.read_text()

    def told(days: int, text: str = granted) -> str | None:
        at = datetime(until.year, until.month, until.day, 12, tzinfo=UTC) + timedelta(days=days)
        return warning(fleet.subscribers(), fleet.reads(), text, at=at)

    assert told(-15) is None
    assert told(-14) == "analysis loses its right to reads in 15 days"
    assert told(1) == f"analysis still receives reads, though its right ended on {until} (broker rights)"
    fleet.grant_reads("analysis", None)
    assert told(1, fleet.broker.access_list.read_text()) is None


def test_a_damaged_grant_gives_nothing(fleet: Fleet) -> None:
    fleet.add_subscriber("analysis")
    (fleet.subscriber("analysis") / READS_FILE).write_text("{}")
    with pytest.raises(ProvisioningError, match="damaged"):
        fleet.write_access_list()

"""Custody: a record leaves when a broker acknowledged it and every required custodian has signed for it."""

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from pytest_mock import MockerFixture

from platepost.device.outbox import custody
from platepost.device.outbox.custody import Custody, Requirements
from platepost.device.outbox.outbox import Outbox
from platepost.device.outbox.pages import PAGE
from platepost.wire.contract.examples import CLOCK
from platepost.wire.records import Envelope
from platepost.wire.records.receipt import KeptRange
from tests.device.outbox.inside import execute

Filler: TypeAlias = Any  # conftest's

KEY = bytes(range(32))
OTHER = "0" * 64
ONE = Requirements(in_force=True, open=frozenset({"records"}))
TWO = Requirements(in_force=True, open=frozenset({"records", "archive"}))


def ranges(envelopes: Sequence[Envelope], *ends: tuple[int, int]) -> list[KeptRange]:
    """Return what a custodian signs that holds these of a chain's records, the first of which has number 1."""
    return [KeptRange(first=first, last=last, digest=envelopes[last - 1].digest) for first, last in ends]


def chain(envelope: Envelope) -> str:
    return str(envelope.event["chain"])


def acknowledge(outbox: Outbox, *numbers: int) -> None:
    here = {envelope.event["sequence"]: envelope.place for envelope in outbox.next(999)}
    assert outbox.acknowledge([here[number] for number in numbers]) == len(numbers)


def left(outbox: Outbox) -> list[int]:
    return [number for (number,) in execute(outbox, "SELECT sequence FROM record ORDER BY sequence")]


@pytest.fixture
def five(outbox: Outbox, fill: Filler) -> list[Envelope]:
    """Five records under custody, all of them sent."""
    outbox.require(ONE)
    made = [fill.audit() for _ in range(5)]
    acknowledge(outbox, 1, 2, 3, 4, 5)
    return made


def test_without_a_custodian_the_acknowledgment_releases(outbox: Outbox, fill: Filler) -> None:
    outbox.require(Requirements())
    fill.audit()
    acknowledge(outbox, 1)
    assert left(outbox) == []
    assert execute(outbox, "SELECT * FROM released") == []


def test_a_record_stays_until_it_is_signed_for(outbox: Outbox, five: list[Envelope]) -> None:
    assert outbox.next(9) == ()
    backlog = outbox.backlog(now=five[-1].time)
    assert (backlog.depth, backlog.sent, backlog.oldest_age_seconds) == (0, 5, None)
    age = (five[-1].time - five[0].time).total_seconds()
    assert backlog.oldest_unreleased_age_seconds == pytest.approx(age, abs=0.01)
    assert outbox.take_receipt("records", chain(five[0]), ranges(five, (1, 2), (4, 4))) == Custody(3, forked=False)
    assert left(outbox) == [3, 5]
    assert outbox.take_receipt("records", chain(five[0]), ranges(five, (1, 5))) == Custody(2, forked=False)
    assert outbox.backlog().size_bytes == 0
    assert outbox.backlog().oldest_unreleased_age_seconds is None


def test_a_receipt_before_the_acknowledgment_counts_when_that_comes(outbox: Outbox, fill: Filler, path: Path) -> None:
    outbox.require(ONE)
    made = [fill.audit() for _ in range(2)]
    assert outbox.take_receipt("records", chain(made[0]), ranges(made, (1, 2))) == Custody(0, forked=False)
    assert len(outbox.next(9)) == 2, "a custodian that has it does not keep it from being sent"
    outbox.close()
    with Outbox(path, key=KEY) as again:
        again.require(ONE)
        acknowledge(again, 1)
        assert left(again) == [2]


def test_a_receipt_may_end_at_a_record_that_has_gone(outbox: Outbox, fill: Filler, five: list[Envelope]) -> None:
    acknowledge_late = [fill.audit()]
    outbox.take_receipt("records", chain(five[0]), ranges(five, (2, 5)))
    assert left(outbox) == [1, 6]
    assert outbox.take_receipt("records", chain(five[0]), ranges(five, (1, 4))) == Custody(1, forked=False)
    assert left(outbox) == [acknowledge_late[0].sequence]
    assert execute(outbox, "SELECT number FROM released") == [], "no receipt for what is here can end at them"


def test_digests_of_what_has_gone_do_not_fill_the_disk(outbox: Outbox, fill: Filler, mocker: MockerFixture) -> None:
    mocker.patch.object(custody, "DIGESTS_KEPT", 3)
    outbox.require(ONE)
    made = [fill.audit() for _ in range(20)]
    acknowledge(outbox, *range(2, 21))
    outbox.take_receipt("records", chain(made[0]), ranges(made, (2, 8), (10, 20)))
    assert [number for (number,) in execute(outbox, "SELECT number FROM released ORDER BY number")] == [
        8,
        *range(17, 21),
    ]
    acknowledge(outbox, 1)
    assert outbox.take_receipt("records", chain(made[0]), ranges(made, (1, 8))).released == 1


@pytest.mark.parametrize("end", [3, 6])
def test_another_digest_or_a_number_beyond_the_head_is_a_fork_and_releases_nothing(
    outbox: Outbox, five: list[Envelope], end: int
) -> None:
    signed = [*ranges(five, (1, 2)), KeptRange(first=3, last=end, digest=OTHER)]
    assert outbox.take_receipt("records", chain(five[0]), signed) == Custody(0, forked=True)
    assert outbox.take_receipt("archive", chain(five[0]), signed) == Custody(0, forked=True)
    assert left(outbox) == [1, 2, 3, 4, 5]
    assert outbox.take_receipt("records", chain(five[0]), ranges(five, (1, 2))).released == 2, "a true one does"


def test_a_digest_that_contradicts_what_has_gone_is_a_fork(outbox: Outbox, five: list[Envelope]) -> None:
    outbox.take_receipt("records", chain(five[0]), ranges(five, (2, 5)))
    signed = [KeptRange(first=1, last=4, digest=OTHER)]
    assert outbox.take_receipt("records", chain(five[0]), signed) == Custody(0, forked=True)
    head = [KeptRange(first=1, last=5, digest=OTHER)]
    outbox.take_receipt("records", chain(five[0]), ranges(five, (1, 5)))
    assert outbox.take_receipt("records", chain(five[0]), head) == Custody(0, forked=True), "the head is known forever"


def test_a_receipt_for_an_unknown_chain_or_by_somebody_else_does_no_harm(outbox: Outbox, five: list[Envelope]) -> None:
    assert outbox.take_receipt("records", "another", ranges(five, (1, 5))) == Custody(0, forked=False)
    assert outbox.take_receipt("stranger", chain(five[0]), ranges(five, (1, 5))) == Custody(0, forked=False)
    assert outbox.take_receipt("records", chain(five[0]), []) == Custody(0, forked=False)
    assert left(outbox) == [1, 2, 3, 4, 5]


def test_all_required_custodians_must_sign(outbox: Outbox, fill: Filler) -> None:
    outbox.require(TWO)
    made = [fill.audit() for _ in range(3)]
    acknowledge(outbox, 1, 2, 3)
    take = partial(outbox.take_receipt, chain=chain(made[0]))
    assert take("records", ranges=ranges(made, (1, 3))).released == 0
    assert take("archive", ranges=ranges(made, (2, 2))).released == 1
    assert left(outbox) == [1, 3]
    outbox.require(ONE)
    assert left(outbox) == [], "one that is required no more is not waited for"


def test_a_new_custodian_starts_where_it_starts(
    outbox: Outbox, five: list[Envelope], filler: Callable[[Outbox], Filler], path: Path
) -> None:
    outbox.require(TWO)
    outbox.close()
    with Outbox(path, key=KEY) as again:
        again.require(TWO)
        made = [*five, filler(again).audit()]
        acknowledge(again, 6)
        assert again.take_receipt("records", chain(made[0]), ranges(made, (1, 6))).released == 5
        assert left(again) == [6]
        assert again.take_receipt("archive", chain(made[0]), ranges(made, (6, 6))).released == 1


def test_one_in_the_place_of_all_others_must_sign_for_everything_here(outbox: Outbox, five: list[Envelope]) -> None:
    """Otherwise no one would have to."""
    outbox.require(Requirements(in_force=True, open=frozenset({"archive"})))
    assert left(outbox) == [1, 2, 3, 4, 5]
    assert outbox.take_receipt("archive", chain(five[0]), ranges(five, (1, 5))).released == 5


def test_a_restored_custodian_signs_anew(outbox: Outbox, fill: Filler) -> None:
    outbox.require(TWO)
    made = [fill.audit() for _ in range(3)]
    acknowledge(outbox, 1, 2, 3)
    outbox.take_receipt("records", chain(made[0]), ranges(made, (1, 3)))
    outbox.forget_receipts("records")
    assert outbox.take_receipt("archive", chain(made[0]), ranges(made, (1, 3))).released == 0
    assert outbox.take_receipt("records", chain(made[0]), ranges(made, (1, 2))).released == 2


def test_when_nobody_is_required_any_more_what_was_sent_goes(
    outbox: Outbox, five: list[Envelope], fill: Filler
) -> None:
    fill.audit()
    outbox.require(Requirements())
    assert left(outbox) == [6], "what waits does not"
    assert execute(outbox, "SELECT * FROM kept") == []


def test_a_covert_chain_needs_a_custodian_of_its_group(outbox: Outbox, fill: Filler) -> None:
    outbox.require(Requirements(in_force=True, open=frozenset({"records"})))
    made = fill.hit(group="narcotics")
    (waiting,) = outbox.next(9)
    outbox.acknowledge([waiting.place])
    signed = [KeptRange(first=1, last=1, digest=made.digest)]
    assert outbox.take_receipt("records", chain(made), signed) == Custody(0, forked=False)
    assert outbox.backlog().sent == 0
    outbox.require(
        Requirements(in_force=True, open=frozenset({"records"}), covert={"narcotics": frozenset({"records"})})
    )
    assert len(left(outbox)) == 1, "it must sign for what waited for it"
    assert outbox.take_receipt("records", chain(made), signed) == Custody(1, forked=False)


def test_reads_that_the_quota_drops_are_accounted_for_by_a_range_over_them(
    path: Path, filler: Callable[[Outbox], Filler]
) -> None:
    with Outbox(path, key=KEY, quota_bytes=40_000) as outbox:
        outbox.require(ONE)
        fill = filler(outbox)
        made = [fill.hit(), *(fill.read() for _ in range(10))]
        acknowledge(outbox, 1, *range(6, 12))
        while not outbox.backlog().reads_dropped:
            made.append(fill.audit())
        gone = sorted({*range(1, 12)} - {*left(outbox)})
        assert gone == [*range(6, 6 + len(gone))], "sent ones go first, though older ones wait"
        dropped = fill.recorder.account_for_drops(clock=CLOCK).event["data"]["dropped"]
        assert dropped["sequences"] == [{"first": 6, "last": gone[-1]}]
        acknowledge(outbox, 2, 3, 4, 5)
        assert outbox.take_receipt("records", chain(made[0]), ranges(made, (1, gone[-1]))) == Custody(5, forked=False)


def test_pictures_of_sent_reads_go_before_those_of_others(path: Path, filler: Callable[[Outbox], Filler]) -> None:
    with Outbox(path, key=KEY, quota_bytes=30_000) as outbox:
        outbox.require(ONE)
        fill = filler(outbox)
        for _ in range(4):
            fill.read(picture_bytes=3000)
        acknowledge(outbox, 3, 4)
        while not outbox.backlog().pictures_dropped:
            fill.audit()
        assert execute(outbox, "SELECT sequence FROM record WHERE rank = 3 AND has_pictures = 0") == [(3,), (4,)]


def spoil(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE + 300)
        file.write(b"bad sector")


def root(outbox: Outbox, name: str) -> int:
    return int(execute(outbox, "SELECT rootpage FROM sqlite_schema WHERE name = ?", name)[0][0])


@pytest.mark.parametrize("spoilt", ["chain", "kept", "record_order", "standing"])
def test_custody_goes_on_after_damage(
    spoilt: str, outbox: Outbox, five: list[Envelope], fill: Filler, path: Path
) -> None:
    five.append(fill.read())
    outbox.take_receipt("records", chain(five[0]), ranges(five, (2, 3)))
    page = root(outbox, spoilt)
    outbox.close()
    spoil(path, page)
    with Outbox(path, key=KEY) as again:
        assert [aside.kept for aside in again.set_aside] == [4]
        again.require(ONE)
        assert (again.backlog().depth, again.backlog().sent) == (1, 3), "what was sent is sent still"
        own = again.head.chain == chain(five[0])
        assert own == (spoilt != "chain")
        if spoilt == "chain":
            assert [number for (number,) in execute(again, "SELECT number FROM standing")] == [1, 4, 5, 6]
        assert again.take_receipt("records", chain(five[0]), ranges(five, (1, 3))) == Custody(1, forked=False), (
            "digests of what has gone are known still"
        )
        unknown = [KeptRange(first=1, last=9, digest=OTHER)]
        assert again.take_receipt("records", chain(five[0]), unknown) == Custody(0, forked=own), (
            "nobody knows where a former chain ended"
        )
        assert again.take_receipt("records", chain(five[0]), ranges(five, (1, 6))) == Custody(2, forked=False)
        (waiting,) = again.next(9)
        again.acknowledge([waiting.place])
        assert left(again) == []


def test_all_must_sign_anew_where_damage_took_what_they_signed(
    outbox: Outbox, five: list[Envelope], path: Path
) -> None:
    """A custodian that was new a moment before is no longer known to be: it signs for everything."""
    outbox.require(TWO)
    page = root(outbox, "kept")
    outbox.close()
    spoil(path, page)
    with Outbox(path, key=KEY) as again:
        again.require(TWO)
        assert again.take_receipt("records", chain(five[0]), ranges(five, (1, 5))).released == 0
        assert again.take_receipt("archive", chain(five[0]), ranges(five, (1, 5))).released == 5


def test_the_rest_of_a_chain_that_damage_ended_is_released_by_answers_to_its_repeats(
    outbox: Outbox, five: list[Envelope], path: Path
) -> None:
    """Of its last record the post has nothing, the custodian has it all."""
    pages = root(outbox, "chain"), root(outbox, "kept")
    execute(outbox, "DELETE FROM record WHERE sequence = 5")
    execute(outbox, "DELETE FROM released")
    outbox.close()
    for page in pages:
        spoil(path, page)
    with Outbox(path, key=KEY) as again:
        again.require(ONE)
        take = partial(again.take_receipt, "records", chain(five[0]))
        assert take(ranges(five, (1, 5))) == Custody(0, forked=False), "whether that is its own 5 nobody knows"
        assert again.send_left_out() == 4
        assert [envelope.sequence for envelope in again.next(9, repeating=True)] == [1, 2, 3, 4]
        assert take(ranges(five, (1, 4), (5, 5))) == Custody(4, forked=False)


def test_records_of_a_former_version_are_under_custody_too(path: Path, filler: Callable[[Outbox], Filler]) -> None:
    path.parent.mkdir()
    shutil.copy(Path(__file__).parent / "history" / "outbox_v5.db", path)
    with Outbox(path, key=KEY) as outbox:
        outbox.require(ONE)
        waiting = outbox.next(99)
        outbox.acknowledge([envelope.place for envelope in waiting])
        assert outbox.backlog().sent == len(waiting)
        signed = [KeptRange(first=1, last=outbox.head.sequence, digest=outbox.head.digest)]
        assert outbox.take_receipt("records", outbox.head.chain, signed).released == len(waiting)


def test_a_new_custodian_of_a_covert_chain_starts_where_it_starts(outbox: Outbox, fill: Filler) -> None:
    """Before any receipt has come, too."""
    one, two = frozenset({"records"}), frozenset({"records", "archive"})
    outbox.require(Requirements(in_force=True, open=one, covert={"narcotics": one}))
    made = [fill.hit(group="narcotics")]
    outbox.require(Requirements(in_force=True, open=one, covert={"narcotics": two}))
    made.append(fill.hit(group="narcotics"))
    outbox.acknowledge([envelope.place for envelope in outbox.next(9)])
    assert outbox.take_receipt("records", chain(made[0]), ranges(made, (1, 2))) == Custody(1, forked=False)


# --- what is sent once more


def again(outbox: Outbox) -> list[int | None]:
    return [envelope.sequence for envelope in outbox.next(99, repeating=True)]


def test_what_a_receipt_leaves_out_is_sent_once_more_after_a_while(outbox: Outbox, five: list[Envelope]) -> None:
    take = partial(outbox.take_receipt, "records", chain(five[0]))
    take(ranges(five, (1, 2), (4, 4)))
    assert outbox.send_left_out() == 0, "they were acknowledged a moment ago"
    assert outbox.send_left_out() == 0, "no receipt came since"
    take(ranges(five, (1, 2)))
    assert outbox.send_left_out() == 2
    assert again(outbox) == [3, 5]
    assert outbox.next(9) == (), "they do not wait"
    assert [envelope.retain for envelope in outbox.next(9, repeating=True)] == [False, False]
    outbox.acknowledge([envelope.place for envelope in outbox.next(1, repeating=True)])
    assert again(outbox) == [5]
    take(ranges(five, (1, 5)))
    assert again(outbox) == []


def test_what_may_wait_in_a_broker_s_queue_is_not_sent_once_more(outbox: Outbox, five: list[Envelope]) -> None:
    take = partial(outbox.take_receipt, "records", chain(five[0]))
    outbox.send_left_out()
    take(ranges(five, (2, 3)))
    assert outbox.send_left_out() == 1, "it has come back, and takes what waits: it has been past 1"
    assert again(outbox) == [1]
    take(ranges(five, (2, 4)))
    assert outbox.send_left_out() == 1, "5 may wait as long as it gets on"
    take(ranges(five, (2, 4)))
    assert outbox.send_left_out() == 2, "it has got no further: nothing waits"
    assert again(outbox) == [1, 5]


def test_a_custodian_that_is_away_has_nothing_sent_once_more(outbox: Outbox, fill: Filler) -> None:
    outbox.require(TWO)
    made = [fill.audit() for _ in range(3)]
    acknowledge(outbox, 1, 2, 3)
    outbox.send_left_out()
    outbox.take_receipt("records", chain(made[0]), ranges(made, (1, 3)))
    assert outbox.send_left_out() == 0
    outbox.take_receipt("archive", chain(made[0]), [])
    assert outbox.send_left_out() == 3


def test_the_oldest_that_was_sent_is_known_of_each_chain(outbox: Outbox, fill: Filler) -> None:
    outbox.require(ONE)
    made = [fill.audit(), fill.audit(), fill.hit(group="narcotics"), fill.hit(group="narcotics")]
    assert outbox.oldest_sent() == {}
    outbox.acknowledge([envelope.place for envelope in outbox.next(9) if envelope.id != made[0].id])
    oldest = outbox.oldest_sent()
    assert set(oldest) == {chain(made[1]), chain(made[2])}
    outbox.send_again(oldest.values())
    assert [envelope.id for envelope in outbox.next(9, repeating=True)] == [made[0].id, made[2].id, made[1].id]

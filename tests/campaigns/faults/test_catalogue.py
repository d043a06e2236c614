"""The plan of a campaign: every kind of fault, as often as it weighs, the same for a seed."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain

import pytest

from tests.campaigns.faults.catalogue import CATALOGUE, plan, shares
from tests.campaigns.faults.extent import FULL, SHORT
from tests.campaigns.faults.injection import Injection


def names(faults: Sequence[Injection]) -> list[str]:
    return [fault.name for fault in faults]


def test_kinds_have_names_of_their_own_and_say_what_they_do() -> None:
    assert len(set(names(CATALOGUE))) == len(CATALOGUE)
    assert all(fault.what and fault.heals and fault.weight >= 1 for fault in CATALOGUE)


@pytest.mark.parametrize("count", [1, 10, len(CATALOGUE), 300, 1050])
def test_shares_come_to_the_count_and_leave_none_out_that_fits(count: int) -> None:
    found = Counter(names(shares(CATALOGUE, count)))

    assert found.total() == count
    assert len(found) == min(count, len(CATALOGUE))


def test_shares_follow_the_weights() -> None:
    found = Counter(names(shares(CATALOGUE, 1000)))
    whole = sum(fault.weight for fault in CATALOGUE)

    for fault in CATALOGUE:
        assert found[fault.name] == pytest.approx((1000 - len(CATALOGUE)) * fault.weight / whole + 1, abs=1)


def test_a_plan_is_the_same_for_a_seed_and_another_for_another() -> None:
    def flat(seed: int) -> list[list[str]]:
        own, broad = plan(CATALOGUE, count=100, posts=4, seed=seed)
        return [names(faults) for faults in [*own, broad]]

    assert flat(1) == flat(1)
    assert flat(1) != flat(2)


def test_a_plan_parts_what_hits_one_from_what_hits_all() -> None:
    own, broad = plan(CATALOGUE, count=200, posts=3, seed=1)

    assert all(fault.broad for fault in broad)
    assert not any(fault.broad for fault in chain(*own))
    assert len(broad) + sum(map(len, own)) == 200
    assert max(map(len, own)) - min(map(len, own)) <= 1


def test_even_the_short_campaign_has_every_kind() -> None:
    assert SHORT.faults >= len(CATALOGUE)
    assert FULL.faults >= 1000
    assert FULL.records >= 20000

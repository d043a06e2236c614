from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from platepost.provisioning.hotlist.build import sizes_after
from platepost.wire.hotlist.manifest import LONGEST_HISTORY, Manifest
from platepost.wire.hotlist.settings import SIZE_JUMP
from platepost.wire.hotlist.store import is_believable, size_jumps

BUILT = datetime(2026, 11, 1, 12, tzinfo=UTC)
SIZES = st.one_of(
    st.lists(st.tuples(entries, st.booleans()), min_size=1, max_size=60)
    for entries in (st.integers(0, 40), st.integers(80, 160), st.integers(0, 3000))
)
"""Entries of one list after another, and whether a reason was given."""


def published(sizes: list[tuple[int, bool]]) -> list[Manifest]:
    made: list[Manifest] = []
    for version, (entries, explained) in enumerate(sizes, start=1):
        facts = {"issuer": "Demo", "agency": "demo", "built": BUILT, "expires": BUILT + timedelta(days=7)}
        facts |= {"patterns": 0, "false_positive_rate": 1e-9, "length": 1, "digest": "0" * 64, "body_length": 1}
        facts |= {"size_override": "any" if explained else None, "sizes": sizes_after(made[-1]) if made else None}
        made.append(Manifest.model_validate(facts | {"version": version, "entries": entries}))
    return made


def reached(newest: Manifest, made: list[Manifest]) -> Iterator[Manifest]:
    """Yield the lists from which the newest one's history tells every step."""
    truncated = newest.sizes is not None and len(newest.sizes) == LONGEST_HISTORY
    for manifest in made[:-1]:
        if not truncated or manifest.version >= newest.sizes[0].version:
            yield manifest


@given(SIZES)
@example([(entries, False) for entries in (100, 120, 140, 150)])
@example([(entries, False) for entries in (100, 88, 100, 112, 113, 125, 126)])
def test_whoever_missed_any_of_the_lists_that_a_builder_lets_pass_takes_the_newest(
    sizes: list[tuple[int, bool]],
) -> None:
    passed = sizes[:1]
    for entries, _ in sizes[1:]:
        passed.append((entries, size_jumps(before=passed[-1][0], after=entries)))
    made = published(passed)
    for manifest in reached(made[-1], made):
        assert is_believable(made[-1], after=manifest, limit=SIZE_JUMP)


@given(SIZES)
def test_no_history_hides_a_jump_without_a_reason(sizes: list[tuple[int, bool]]) -> None:
    made = published(sizes)
    newest = made[-1]
    for manifest in reached(newest, made):
        steps = pairwise(made[manifest.version - 1 :])
        smooth = all(
            later.size_override or not size_jumps(before=earlier.entries, after=later.entries)
            for earlier, later in steps
        )
        alike = not size_jumps(before=manifest.entries, after=newest.entries)
        believed = is_believable(newest, after=manifest, limit=SIZE_JUMP)
        assert believed is bool(smooth or alike or newest.size_override)


def test_small_moves_do_not_push_out_the_steps() -> None:
    hourly = [(1000 + number % 7, False) for number in range(2000)]
    made = published([(600, False), (1000, True), *hourly])
    sizes = made[-1].sizes
    assert sizes is not None
    assert len(sizes) == 3
    assert is_believable(made[-1], after=made[0], limit=SIZE_JUMP)


def test_the_history_is_bounded() -> None:
    sizes = published([(10 + 100 * (number % 2), True) for number in range(40)])[-1].sizes
    assert sizes is not None
    assert [one.version for one in sizes] == list(range(40 - LONGEST_HISTORY, 40))

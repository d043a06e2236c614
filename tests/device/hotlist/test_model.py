"""A post against a model: whatever a department publishes, and whatever order it comes in."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.hotlist.changes import Changes, Removal, from_exports, from_news
from platepost.provisioning.hotlist.columns import RowSource
from platepost.provisioning.hotlist.delta import build_delta
from platepost.provisioning.hotlist.held import Held, open_held
from platepost.provisioning.hotlist.rows import HotListRow
from platepost.provisioning.trust.keys import new_key, private_pem, public_pem
from platepost.wire.hotlist import HotListStore
from platepost.wire.hotlist.errors import Older, WrongBase
from platepost.wire.hotlist.keys import PlateText, normalize, plate_key
from platepost.wire.hotlist.package import load_key
from tests.device.hotlist.department import Department

BUILT = Department.built
ENDS = (None, BUILT - timedelta(hours=1), BUILT + timedelta(hours=1), BUILT + timedelta(hours=6))
MOMENTS = tuple(BUILT + timedelta(hours=hours, seconds=seconds) for hours in (1, 6, 9000) for seconds in (-1, 0))
PLATES = st.text("AO0I1", min_size=2, max_size=4)
ROWS = st.frozensets(
    st.builds(
        HotListRow,
        plate=PLATES,
        category=st.sampled_from(("local", "stolen_vehicle")),
        priority=st.just(3),
        state=st.sampled_from((None, "CA")),
        expires=st.sampled_from(ENDS),
        reference=st.sampled_from((None, "E-1")),
        distribution=st.none(),
        safe=st.just(False),
    ),
    max_size=6,
)
NEWS = st.tuples(st.sampled_from(("full", "exports", "news", "news")), ROWS, st.sets(st.integers(0, 20), max_size=3))


class Published(NamedTuple):
    """A package, the complete list that it stands on, and the rows that are listed after it."""

    package: bytes
    complete: int
    rows: frozenset[HotListRow]


@dataclass
class Publisher:
    """A department that publishes with the true builders, and a set of rows beside them."""

    department: Department = field(default_factory=Department)
    published: list[Published] = field(default_factory=list)

    def __post_init__(self) -> None:
        own = new_key()
        self._own = private_pem(own)
        self._posts = [self.department.post_key, public_pem(own)]
        self._keys = {"signing_key": self.department.signing_key, "post_keys": self._posts, "unseal_key": self._own}

    def publish(self, what: str, drawn: frozenset[HotListRow], numbers: Iterable[int]) -> None:
        version = len(self.published) + 1
        if what == "full" or not self.published:
            package = build_package(
                sorted(drawn, key=repr), agency="demo", issuer="Demo", version=version, built=BUILT, **self._keys
            )
            self.published.append(Published(package, version, drawn))
            return
        before = self.published[-1]
        if what == "exports":
            changes, after = from_exports(self._held(), RowSource(drawn), at=_seconds(BUILT), keep_safe=True), drawn
        else:
            listed = sorted({row.plate for row in before.rows})
            gone = {listed[number] for number in numbers if number < len(listed)}
            removals = [Removal(line, PlateText(plate)) for line, plate in enumerate(sorted(gone))]
            changes, refused = from_news(self._held(), RowSource(drawn), removals)
            after = frozenset(row for row in before.rows if row.plate not in gone) | drawn
            assert not [row for row in refused if self._on_the_list(removals[row.line].plate)]
        self.published.append(Published(self._delta(changes, version), before.complete, after))

    def _on_the_list(self, plate: str) -> bool:
        return any(row.plate == plate for row in self.published[-1].rows)

    def _held(self) -> Held:
        last = self.published[-1]
        complete = self.published[last.complete - 1].package
        newest = None if len(self.published) == last.complete else last.package
        keys = (self.department.issuer_key, False), (self._own, True)
        issuer_key, own = (load_key(pem, private=private) for pem, private in keys)
        return open_held(complete, newest, issuer_key=issuer_key, unseal_key=own)

    def _delta(self, changes: Changes, version: int) -> bytes:
        settings = {"patterns": (), "issuer": "Demo", "built": BUILT, "size_jump": 0.3, "size_override": "any"}
        return build_delta(self._held(), changes.overlay, version=version, **settings, **self._keys)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def expected(rows: Iterable[HotListRow], read: str, at: datetime) -> set[tuple[str, str, str | None, str | None, str]]:
    """What the model says that a read matches: the plainest reading of the rules."""
    return {
        (row.plate, row.category, row.state, row.reference, "exact" if row.plate == read else "look_alike")
        for row in rows
        if row.plate.replace("O", "0").replace("I", "1") == read.replace("O", "0").replace("I", "1")
        and (row.expires is None or at < row.expires)
    }


def says_what_the_model_says(store: HotListStore, rows: Iterable[HotListRow], reads: Iterable[str]) -> None:
    assert store.current is not None
    for read in reads:
        for at in MOMENTS:
            matches = store.current.match(read, at=at)
            found = {(one.plate_matched, one.category, one.state, one.reference, one.kind.value) for one in matches}
            assert found == expected(rows, read, at)


@settings(max_examples=30, deadline=None)
@given(st.lists(NEWS, min_size=1, max_size=5), st.sets(PLATES, max_size=4), st.data())
def test_a_post_lists_exactly_what_was_published_in_whatever_order_it_comes(
    news: list[tuple[str, frozenset[HotListRow], set[int]]], strangers: set[str], data: st.DataObject
) -> None:
    publisher = Publisher()
    for what, drawn, numbers in news:
        publisher.publish(what, drawn, numbers)
    published = publisher.published
    every = {row.plate for one in published for row in one.rows} | strangers
    reads = every | {plate_key(plate) for plate in every} | {normalize(plate[::-1]) for plate in every}
    order = [*data.draw(st.permutations([*range(len(published))] * 2)), *range(len(published))]
    restarts = data.draw(st.sets(st.integers(0, len(order) - 1), max_size=2))
    with TemporaryDirectory() as directory:
        store = publisher.department.store(Path(directory), size_jump=None)
        version, complete = 0, 0
        for step, index in enumerate(order):
            taken = index + 1 > version and published[index].complete in {index + 1, complete}
            with suppress(Older, WrongBase):
                store.install(published[index].package, at=BUILT)
            if taken:
                version, complete = index + 1, published[index].complete
            if step in restarts:
                store = publisher.department.store(Path(directory), size_jump=None)
                store.load()
            assert (store.current.version if store.current else 0) == version
            if taken or (step in restarts and version):
                says_what_the_model_says(store, published[version - 1].rows, reads)
        assert version == len(published), "in the end the newest list is in force"

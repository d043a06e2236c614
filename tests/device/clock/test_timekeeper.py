"""The post's time, with the clock in hand: set back, set ahead, in 1970, over restarts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.clock.timekeeper import SAVE_SECONDS, SOFTWARE, Timekeeper
from device.records import ClockQuality

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
FIRST, LAST = datetime(1971, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)


class Bench:
    """A machine: its clock can be set, its steady clock only goes on, its disk stays."""

    def __init__(self, path: Path | None = None, *, at: datetime = NOW, synchronised: bool = False) -> None:
        self.path = path
        self.at = at
        self.steady = 0.0
        self.synchronised = synchronised

    def start(self, **more: object) -> Timekeeper:
        return Timekeeper(
            self.path,
            quality=lambda: ClockQuality(source="kernel", synchronised=self.synchronised),
            wall=lambda: self.at.timestamp(),  # noqa: PLW0108 - it changes
            steady=lambda: self.steady,
            **more,  # type: ignore[arg-type]
        )

    def pass_(self, seconds: float) -> None:
        self.steady += seconds
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "clock.json")


def test_a_good_clock_is_the_time_and_nothing_is_held(bench: Bench) -> None:
    bench.synchronised = True
    keeper = bench.start()
    assert keeper.record_time() == keeper.now() == NOW
    assert keeper.quality() == ClockQuality(source="kernel", synchronised=True)
    assert (keeper.behind, keeper.earliest()) == (False, None)


def test_a_board_without_a_battery_boots_at_the_floor_and_goes_on_from_there(bench: Bench) -> None:
    bench.synchronised = True
    bench.start().save()
    bench.synchronised, bench.at = False, datetime(1970, 1, 1, 0, 0, 10, tzinfo=UTC)
    keeper = bench.start()
    assert keeper.behind
    assert keeper.now() == keeper.record_time() == NOW
    bench.pass_(90)
    assert keeper.now() == keeper.record_time() == NOW + timedelta(seconds=90)
    quality = keeper.quality()
    assert not quality.synchronised
    assert quality.held_seconds == (NOW - datetime(1970, 1, 1, 0, 0, 10, tzinfo=UTC)).total_seconds()


def test_a_time_source_that_is_lost_makes_no_clock_wrong(bench: Bench) -> None:
    bench.synchronised = True
    keeper = bench.start()
    keeper.save()
    bench.synchronised = False
    steady = keeper._steady

    def a_moment_later() -> float:
        bench.pass_(1e-5)
        return steady()

    keeper._steady = a_moment_later  # time goes on between a look at the one clock and at the other
    for _ in range(600):
        bench.pass_(0.25)
        keeper.tick()
        assert not keeper.behind
        before = bench.at
        assert before <= keeper.now() <= bench.at
    bench.at -= timedelta(seconds=2)
    assert keeper.behind


def test_without_a_floor_it_is_at_least_later_than_what_is_signed(bench: Bench) -> None:
    bench.at = datetime(1970, 1, 1, tzinfo=UTC)
    assert bench.start().now() == SOFTWARE
    assert bench.start(trusted=[NOW]).now() == NOW
    keeper = bench.start()
    bench.pass_(30)
    keeper.trust(NOW)
    assert keeper.now() == NOW
    bench.pass_(30)
    assert keeper.now() == NOW + timedelta(seconds=30)


def test_a_clock_that_is_ahead_by_mistake_does_not_poison_the_floor(bench: Bench) -> None:
    bench.at = NOW + 3 * YEAR
    keeper = bench.start()
    for _ in range(5):
        bench.pass_(SAVE_SECONDS)
        keeper.tick()
    bench.at, bench.synchronised = NOW, True
    keeper.tick()
    again = bench.start()
    bench.synchronised = False
    assert not again.behind
    assert again.now() == NOW


def test_records_never_go_back_and_say_how_far_they_are_ahead(bench: Bench) -> None:
    bench.synchronised = True
    keeper = bench.start()
    first = keeper.record_time()
    bench.at -= timedelta(minutes=10)
    assert keeper.record_time() == first
    assert keeper.quality().held_seconds == 600
    bench.pass_(599)
    assert keeper.record_time() == first
    assert keeper.quality().held_seconds == 1
    bench.pass_(2)
    assert keeper.record_time() == first + timedelta(seconds=1)
    assert keeper.quality().held_seconds is None


def test_records_never_go_back_over_a_restart(bench: Bench) -> None:
    keeper = bench.start()
    last = keeper.record_time()
    keeper.save()
    bench.at -= YEAR
    assert bench.start().record_time() == last
    assert bench.start(last=last + timedelta(hours=1)).record_time() == last + timedelta(hours=1)


def test_a_step_is_told_once_and_slewing_is_none(bench: Bench) -> None:
    keeper = bench.start()
    bench.pass_(10)
    assert keeper.tick() is None
    bench.at += timedelta(seconds=-3600)
    step = keeper.tick()
    assert step is not None
    assert (step.seconds, step.after - step.before) == (pytest.approx(-3600), timedelta(seconds=-3600))
    bench.steady, bench.at = bench.steady + 1000, bench.at + timedelta(seconds=1000.5)
    assert keeper.tick() is None


def test_the_floor_rises_once_a_minute_while_the_clock_is_synchronised(bench: Bench) -> None:
    bench.synchronised = True
    keeper = bench.start()
    for _ in range(10):
        bench.pass_(30)
        keeper.tick()
    bench.at, bench.synchronised = datetime(1970, 1, 1, tzinfo=UTC), False
    assert bench.start().now() >= NOW + timedelta(seconds=300 - SAVE_SECONDS)


def test_a_synchronised_clock_is_right_even_below_the_floor(bench: Bench) -> None:
    keeper = bench.start(trusted=[NOW + YEAR])
    assert keeper.now() == NOW + YEAR
    bench.synchronised = True
    assert keeper.now() == NOW
    keeper.save()
    bench.synchronised = False
    assert keeper.now() == NOW


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"\xff\xfe", b"[]", b'{"floor": 1, "last": 2}', b'{"floor": "0001-01-01T00:00+23:00", "last": "x"}'],
)
def test_a_damaged_floor_is_no_floor(bench: Bench, content: bytes) -> None:
    assert bench.path is not None
    bench.path.write_bytes(content)
    assert bench.start().now() == NOW


def test_a_full_disk_only_costs_the_floor(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = bench.start()
    monkeypatch.setattr("os.fsync", lambda _file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    keeper.save()
    assert keeper.record_time() == NOW


EVENTS = st.one_of(
    st.tuples(st.just("pass"), st.floats(0, 1e5)),
    st.tuples(st.just("set"), st.floats(-2e9, 2e9)),
    st.tuples(st.just("synchronise"), st.booleans()),
    st.tuples(st.just("restart"), st.just(0)),
    st.tuples(st.just("trust"), st.floats(-1e8, 1e8)),
)


@given(st.lists(EVENTS, max_size=40))
def test_whatever_happens_to_the_clock_records_never_go_back(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, float]]
) -> None:
    bench = Bench(tmp_path_factory.mktemp("disk") / "clock.json")
    keeper = bench.start()
    last = keeper.record_time()
    for event, value in events:
        if event == "pass":
            bench.pass_(value)
        elif event == "set":
            bench.at = max(
                datetime(1971, 1, 1, tzinfo=UTC),
                min(datetime(2200, 1, 1, tzinfo=UTC), bench.at + timedelta(seconds=value)),
            )
        elif event == "synchronise":
            bench.synchronised = bool(value)
        elif event == "restart":
            keeper = bench.start(last=last)
        else:
            keeper.trust(NOW + timedelta(seconds=value))
        keeper.tick()
        now = keeper.record_time()
        held = keeper.quality().held_seconds or 0
        assert now >= last
        assert abs((now - timedelta(seconds=held) - bench.at).total_seconds()) < 0.002, "the clock is told as well"
        last = now


def test_a_link_in_the_post_s_folder_leads_to_no_file_elsewhere(tmp_path: Path) -> None:
    """Root keeps the floor too, during an acceptance, in a folder in which the post's user could lay what he liked."""
    passwd = tmp_path / "passwd"
    passwd.write_text("root")
    state = tmp_path / "state"
    state.mkdir()
    for name in ("clock.json", "clock.part"):
        (state / name).symlink_to(passwd)
    Timekeeper(state / "clock.json").save()
    assert passwd.read_text() == "root"
    assert not (state / "clock.json").is_symlink()

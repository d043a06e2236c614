"""The post's time, with the clock in hand: set back, set ahead, in 1970, over restarts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platepost.device.clock.timekeeper import CLOCK_TOLERANCE, CONFIRM_SECONDS, SAVE_SECONDS, SOFTWARE, Timekeeper
from platepost.wire.records import ClockQuality

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
FIRST, LAST = datetime(1971, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
DAY, YEAR = timedelta(days=1), timedelta(days=365)
BEGUN, ENDS = NOW - timedelta(days=100), NOW + timedelta(days=630)
"""The certificate's two years."""
IN_2038 = datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC)


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
    assert keeper.now() == NOW
    assert keeper.quality() == ClockQuality(source="kernel", synchronised=True)
    assert (keeper.behind, keeper.ahead, keeper.earliest()) == (False, False, None)


def test_a_board_without_a_battery_boots_at_the_floor_and_goes_on_from_there(bench: Bench) -> None:
    bench.synchronised = True
    bench.start().save()
    bench.synchronised, bench.at = False, datetime(1970, 1, 1, 0, 0, 10, tzinfo=UTC)
    keeper = bench.start()
    assert keeper.behind
    assert keeper.now() == NOW
    bench.pass_(90)
    assert keeper.now() == NOW + timedelta(seconds=90)
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
        keeper.poll()
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
    keeper.heed_list(NOW)
    assert keeper.now() == NOW
    bench.pass_(30)
    keeper.heed_list(NOW)
    assert keeper.now() == NOW + timedelta(seconds=30)


@pytest.mark.parametrize("synchronised", [True, False])
@pytest.mark.parametrize("vouched", [True, False])
def test_to_2038_for_eight_seconds_and_back(bench: Bench, *, synchronised: bool, vouched: bool) -> None:
    bench.synchronised = vouched
    keeper = bench.start(trusted=[BEGUN], ends=ENDS)
    keeper.poll()
    bench.synchronised = synchronised if vouched else False
    right = bench.at
    bench.at = IN_2038
    for second in range(1, 9):
        bench.pass_(1)
        keeper.poll()
        assert keeper.now() == right + timedelta(seconds=second)
        quality = keeper.quality()
        assert keeper.ahead
        assert not quality.synchronised, "what is not believed counts as not synchronized"
        assert quality.held_seconds == (right + timedelta(seconds=second) - bench.at).total_seconds()
    bench.at = right + timedelta(seconds=8)
    keeper.poll()
    assert keeper.now() == bench.at
    assert (keeper.ahead, keeper.quality().held_seconds) == (False, None)
    assert bench.start(trusted=[BEGUN], ends=ENDS).now() == bench.at, "and nothing of it is kept"


def test_a_post_that_starts_in_2038_does_not_believe_it(bench: Bench) -> None:
    bench.synchronised = True
    bench.start(trusted=[BEGUN], ends=ENDS).save()
    bench.synchronised, bench.at = False, IN_2038
    keeper = bench.start(trusted=[BEGUN], ends=ENDS)
    assert (keeper.now(), keeper.ahead, keeper.latest()) == (NOW, True, ENDS)
    assert keeper.earliest() == NOW, "its broker's certificate is not judged by 2038"
    bench.at = NOW + timedelta(days=3)
    assert keeper.now() == bench.at


def test_a_jump_of_an_unsynchronised_clock_is_believed_within_a_bound_and_taken_back(bench: Bench) -> None:
    keeper = bench.start(trusted=[BEGUN], ends=ENDS)
    bench.at = ENDS
    assert keeper.now() == ENDS, "nobody has vouched for another time"
    bench.at = ENDS + timedelta(seconds=1)
    assert keeper.now() == ENDS
    bench.at = NOW
    assert keeper.now() == NOW
    bench.synchronised = True
    keeper.now()
    bench.synchronised = False
    bench.at = NOW + CLOCK_TOLERANCE
    assert keeper.now() == bench.at
    bench.at = NOW + CLOCK_TOLERANCE + timedelta(seconds=2)
    assert keeper.now() == NOW + CLOCK_TOLERANCE
    assert keeper.ahead


def test_an_hour_back_is_believed_once_a_time_source_has_confirmed_it(bench: Bench) -> None:
    bench.synchronised = True
    keeper = bench.start()
    keeper.now()
    bench.at -= timedelta(hours=1)
    for _ in range(int(CONFIRM_SECONDS)):
        assert keeper.behind
        assert (keeper.quality().held_seconds, keeper.quality().synchronised) == (3600, False)
        bench.pass_(1)
    assert keeper.now() == bench.at
    assert keeper.quality() == ClockQuality(source="kernel", synchronised=True)


def test_an_hour_back_that_nobody_confirms_is_not_believed(bench: Bench) -> None:
    bench.synchronised = True
    keeper = bench.start()
    keeper.now()
    bench.synchronised = False
    bench.at -= timedelta(hours=1)
    bench.pass_(600)
    assert keeper.behind
    assert keeper.now() == bench.at + timedelta(hours=1)


def test_a_synchronised_clock_wins_over_a_floor_that_a_wrong_one_raised(bench: Bench) -> None:
    bench.at, bench.synchronised = IN_2038, True
    bench.start(trusted=[BEGUN], ends=ENDS).save()
    bench.at, bench.synchronised = NOW, False
    keeper = bench.start(trusted=[BEGUN], ends=ENDS, last=IN_2038)
    assert keeper.now() >= IN_2038
    bench.synchronised = True
    assert keeper.now() == NOW
    keeper.save()
    bench.synchronised = False
    assert bench.start(trusted=[BEGUN], ends=ENDS, last=IN_2038).now() == NOW


def test_a_clock_past_the_end_of_a_renewed_certificate_is_right_again(bench: Bench) -> None:
    keeper = bench.start(trusted=[BEGUN], ends=ENDS)
    bench.pass_((ENDS + timedelta(days=20) - NOW).total_seconds())
    assert keeper.ahead, "as far as is known: no broker would let the post in"
    keeper.heed_certificate(Mock(not_valid_before_utc=bench.at - DAY, not_valid_after_utc=ENDS + 2 * YEAR))
    assert (keeper.ahead, keeper.now()) == (False, bench.at)
    bench.at = BEGUN
    assert keeper.behind
    assert keeper.now() > ENDS, "before its certificate began it cannot be"


def test_a_list_built_in_2029_moves_nothing(bench: Bench) -> None:
    keeper = bench.start(trusted=[BEGUN], ends=ENDS)
    keeper.heed_list(datetime(2029, 1, 1, tzinfo=UTC))
    assert (keeper.now(), keeper.behind) == (NOW, False)


def test_a_list_from_the_future_is_taken_back_by_a_better_one_or_a_synchronised_clock(bench: Bench) -> None:
    keeper = bench.start(trusted=[BEGUN], ends=ENDS)
    ahead = NOW + timedelta(days=200)
    keeper.heed_list(ahead)
    assert (keeper.now(), keeper.behind) == (ahead, True)
    assert keeper.apart_from_list() == NOW, "by which a better list is judged"
    assert keeper.earliest() == NOW, "and the broker's certificate"
    keeper.save()
    keeper.heed_list(NOW)
    assert (keeper.now(), keeper.behind) == (NOW, False)
    keeper.heed_list(ahead)
    bench.synchronised = True
    assert keeper.now() == NOW
    bench.synchronised = False
    assert keeper.now() == NOW, "from then on the steady clock knows better"
    assert bench.start(trusted=[BEGUN], ends=ENDS).now() == NOW, "and nothing of it is kept"


def test_a_step_is_told_once_and_slewing_is_none(bench: Bench) -> None:
    keeper = bench.start()
    bench.pass_(10)
    assert keeper.poll() is None
    bench.at += timedelta(seconds=-3600)
    step = keeper.poll()
    assert step is not None
    assert (step.seconds, step.after - step.before) == (pytest.approx(-3600), timedelta(seconds=-3600))
    bench.steady, bench.at = bench.steady + 1000, bench.at + timedelta(seconds=1000.5)
    assert keeper.poll() is None


def test_the_floor_rises_once_a_minute_while_the_clock_is_synchronised(bench: Bench) -> None:
    bench.synchronised = True
    keeper = bench.start()
    for _ in range(10):
        bench.pass_(30)
        keeper.poll()
    bench.at, bench.synchronised = datetime(1970, 1, 1, tzinfo=UTC), False
    assert bench.start().now() >= NOW + timedelta(seconds=300 - SAVE_SECONDS)


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
    assert keeper.now() == NOW


EVENTS = st.one_of(
    st.tuples(st.just("pass"), st.floats(0, 1e5)),
    st.tuples(st.just("set"), st.floats(-2e9, 2e9)),
    st.tuples(st.just("synchronise"), st.booleans()),
    st.tuples(st.just("restart"), st.just(0)),
    st.tuples(st.just("list"), st.floats(-1e8, 1e8)),
)


@given(st.lists(EVENTS, max_size=40))
def test_whatever_happened_to_the_clock_a_synchronised_one_puts_it_right(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, float]]
) -> None:
    bench = Bench(tmp_path_factory.mktemp("disk") / "clock.json")
    more = {"trusted": [BEGUN], "ends": ENDS}
    keeper = bench.start(**more)
    earliest = BEGUN
    for event, value in events:
        if event == "pass":
            bench.pass_(value)
        elif event == "set":
            bench.at = max(FIRST, min(LAST, bench.at + timedelta(seconds=value)))
        elif event == "synchronise":
            bench.synchronised = bool(value)
        elif event == "restart":
            keeper = bench.start(**more, last=keeper.now())
        else:
            keeper.heed_list(NOW + timedelta(seconds=value))
        keeper.poll()
        held = keeper.quality().held_seconds or 0
        assert abs((keeper.now() - timedelta(seconds=held) - bench.at).total_seconds()) < 0.002, "the clock is told too"
        if bench.synchronised:  # what a synchronized clock shows wins over the certificate, and is the floor then
            earliest = min(earliest, bench.at)
        assert keeper.now() >= earliest - timedelta(seconds=1) or bench.synchronised
    bench.synchronised = True
    keeper.poll()
    bench.pass_(CONFIRM_SECONDS + 1)
    assert keeper.now() == bench.at
    assert keeper.quality().held_seconds is None


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

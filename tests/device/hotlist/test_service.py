"""What a post says of its list without a broker."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from platepost.device.clock.timekeeper import CLOCK_TOLERANCE, Timekeeper
from platepost.device.hotlist.service import HotListService, freshness, list_state
from platepost.wire.faults import notices
from platepost.wire.records import ClockQuality, HotListState
from tests.device.hotlist.department import Department
from tests.rigs import hotlist_settings


@pytest.mark.parametrize(
    ("state", "names"),
    [
        (HotListState(state="current", version=1), []),
        (HotListState(state="warning", version=1), ["hotlist_warning"]),
        (HotListState(state="none", near_alternatives=3), ["near_matching"]),
    ],
)
def test_an_aging_list_and_near_matching_are_said_in_every_status(state: HotListState, names: list[str]) -> None:
    assert [notice.name for notice in notices(state)] == names


def test_what_the_configuration_says_of_look_ups_is_what_the_list_goes_by(mocker: MockerFixture) -> None:
    settings = hotlist_settings(near_alternatives=4)
    service = HotListService(
        mocker.Mock(), settings, mocker.Mock(), rate_limited=mocker.Mock(), timekeeper=mocker.Mock()
    )
    assert service.settings == settings
    state = list_state(None, settings, at=datetime.now(UTC))
    assert (state.state, state.near_alternatives) == ("none", 4)
    changed = settings.model_copy(update={"near_alternatives": 0})
    service.adjust(mocker.Mock(table=lambda _kind: changed))
    assert service.settings.near_alternatives == 0


def test_lists_are_judged_by_the_best_known_present(mocker: MockerFixture) -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    timekeeper = mocker.Mock(now=lambda: noon)
    service = HotListService(
        mocker.Mock(), mocker.Mock(), mocker.Mock(), rate_limited=mocker.Mock(), timekeeper=timekeeper
    )
    assert service.moment() == noon


@pytest.mark.parametrize(
    ("hours", "state"),
    [
        (0, "current"),
        (13, "current"),
        (13.01, "warning"),
        (24, "warning"),
        (24.01, "stale"),
        (-0.05, "current"),
        (-1, "warning"),
    ],
)
def test_a_list_warns_then_is_stale(department: Department, hours: float, state: str) -> None:
    manifest = department.manifest(department.package())
    assert freshness(manifest, hotlist_settings(), at=manifest.built + timedelta(hours=hours)) == state


def test_limits_are_the_departments(department: Department) -> None:
    manifest, settings = department.manifest(department.package()), hotlist_settings(warning_hours=1, stale_hours=2)
    assert freshness(manifest, settings, at=manifest.built + timedelta(hours=1.5)) == "warning"
    assert freshness(manifest, settings, at=manifest.built + timedelta(hours=2.5)) == "stale"


def test_a_list_its_issuer_no_longer_stands_by_is_stale(department: Department) -> None:
    expires = department.built + timedelta(hours=2)
    manifest = department.manifest(department.package(expires=expires))
    assert freshness(manifest, hotlist_settings(), at=expires) == "stale"


class AtPost:
    """A post's list and time, with what it says in the audit."""

    def __init__(self, department: Department, folder: Path, mocker: MockerFixture, *, synchronised: bool) -> None:
        self.department, self.synchronised = department, synchronised
        self.at = department.built + timedelta(hours=1)
        self.keeper = Timekeeper(
            trusted=[department.built - timedelta(days=30)],
            ends=department.built + timedelta(days=700),
            quality=lambda: ClockQuality(source="chrony", synchronised=self.synchronised),
            wall=lambda: self.at.timestamp(),  # noqa: PLW0108 - it changes
            steady=lambda: 0.0,
        )
        self.limited = mocker.Mock()
        self.service = HotListService(
            department.store(folder),
            hotlist_settings(),
            mocker.Mock(),
            rate_limited=self.limited,
            timekeeper=self.keeper,
        )

    def brings(self, version: int, built: datetime, *, source: str = "broker") -> str | None:
        expires = built + timedelta(days=7)
        package = self.department.package(version=version, built=built, expires=expires)
        reason = self.service.install(package, source=source).reason
        current = self.service.current
        self.keeper.heed_list(None if current is None else current.built)
        return reason


@pytest.mark.parametrize("source", ["broker", "file"])
@pytest.mark.parametrize("synchronised", [True, False])
def test_a_list_built_in_2029_is_refused_by_name_and_a_correct_one_is_taken(
    department: Department, tmp_path: Path, mocker: MockerFixture, *, synchronised: bool, source: str
) -> None:
    post = AtPost(department, tmp_path, mocker, synchronised=synchronised)
    assert post.brings(1, post.at) is None
    assert post.brings(2, datetime(2029, 1, 1, tzinfo=UTC), source=source) == "built_in_future"
    (refused,) = post.limited.refused.call_args_list
    assert refused.args == ("hotlist_refused",)
    said = {"source": source, "reason": "built_in_future", "object": "2"}
    assert refused.kwargs.items() >= said.items()
    assert (post.keeper.now(), post.service.state().version) == (post.at, 1)
    assert post.brings(3, post.at, source=source) is None


def test_a_retained_list_that_comes_again_is_no_event(
    department: Department, tmp_path: Path, mocker: MockerFixture
) -> None:
    post = AtPost(department, tmp_path, mocker, synchronised=True)
    package = department.package()
    assert [post.service.install(package).reason for _ in range(2)] == [None, "repeated"]
    post.limited.refused.assert_not_called()


def test_clocks_may_differ_by_minutes(department: Department, tmp_path: Path, mocker: MockerFixture) -> None:
    post = AtPost(department, tmp_path, mocker, synchronised=True)
    post.keeper.now()
    assert post.brings(1, post.at + CLOCK_TOLERANCE) is None
    assert post.brings(2, post.at + CLOCK_TOLERANCE + timedelta(seconds=1)) == "built_in_future"


def test_a_post_that_believed_a_list_from_the_future_takes_a_correct_one(
    department: Department, tmp_path: Path, mocker: MockerFixture
) -> None:
    """No one vouches for its clock, which may be behind: so a list of a year ahead moved its time."""
    post = AtPost(department, tmp_path, mocker, synchronised=False)
    ahead = post.at + timedelta(days=365)
    assert post.brings(1, ahead) is None
    assert post.keeper.now() == ahead
    assert post.keeper.behind
    assert post.brings(2, post.at) is None, "though it has expired by the time that the other list says"
    assert (post.keeper.now(), post.service.state().state) == (post.at, "current")

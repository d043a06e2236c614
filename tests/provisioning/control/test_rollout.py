"""How long a rollout watches, over statuses that are made up."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from pytest_mock import MockerFixture

from platepost.provisioning.control import rollout
from platepost.provisioning.control.rollout import Rollout, Target
from platepost.wire.faults import COMPARED


class Broker:
    """A connection that hears one status for each time that it waits."""

    def __init__(self, statuses: list[Any]) -> None:
        self.statuses, self.answered, self.waited = statuses, 0, list[float]()

    def wait(self, wanted: Callable[[str, Any], bool], seconds: float, **_: object) -> None:
        self.waited.append(seconds)
        if self.statuses:
            wanted("alpr/v1/demo/post-1/status", self.statuses.pop(0))

    def was_ended(self, *, within: float) -> bool:
        del within
        return False


def status(*faults: str, comparing: bool = False) -> SimpleNamespace:
    notices = [SimpleNamespace(name=COMPARED)] if comparing else []
    return SimpleNamespace(
        notices=notices,
        reasons=[SimpleNamespace(name=name) for name in faults],
        configuration=SimpleNamespace(digest="d", refused=None),
    )


def watched(mocker: MockerFixture, *statuses: SimpleNamespace) -> tuple[dict[str, str], list[float]]:
    broker = Broker(list(statuses))
    fleet = mocker.Mock(agency="demo", posts=lambda: ["post-1"])
    mocker.patch.object(rollout, "record_keys")
    mocker.patch.object(
        rollout, "judge", lambda post, said, _: SimpleNamespace(post=post, state="online", status=said, remarks=())
    )
    made = Rollout(fleet, broker, who="a", apply_seconds=1, watch_seconds=360, say=lambda _: None)  # type: ignore[arg-type]
    made._watched = {"post-1": Target("post-1", digest="d")}
    return made._watch(360), broker.waited


def test_a_stage_lasts_until_no_post_compares_its_reads_any_more(mocker: MockerFixture) -> None:
    wrong, waited = watched(mocker, status(comparing=True), status(comparing=True), status())
    assert wrong == {}
    assert waited == [360, rollout.CHECK_SECONDS, rollout.CHECK_SECONDS]


def test_a_post_that_reads_far_fewer_ends_the_rollout(mocker: MockerFixture) -> None:
    wrong, _ = watched(mocker, status(comparing=True), status("reads_fewer"))
    assert wrong == {"post-1": "has: reads_fewer"}


def test_no_stage_lasts_for_ever(mocker: MockerFixture) -> None:
    _, waited = watched(mocker, *[status(comparing=True)] * 1000)
    assert sum(waited) <= 360 + rollout.COMPARED_SECONDS + rollout.CHECK_SECONDS

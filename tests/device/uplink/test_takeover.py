from types import SimpleNamespace
from typing import Any

from platepost.device.uplink.takeover import REMEMBERED_SECONDS, SessionTakeover
from platepost.wire.faults import Fault


class Trail:
    def __init__(self) -> None:
        self.said: list[str] = []

    def record(self, action: str, **_: object) -> None:
        self.said.append(action)


def test_each_time_is_audited_once_and_remembered_for_an_hour() -> None:
    trail: Any = Trail()
    state = SimpleNamespace(problem=None)
    uplink: Any = SimpleNamespace(state=lambda: state)
    takeover = SessionTakeover(uplink, trail)

    def named(problem: str | None, *, at: float) -> bool:
        state.problem = problem
        takeover.poll(at)
        return takeover.faults() == (Fault.IDENTITY_ELSEWHERE,)

    assert not named(None, at=0)
    assert not named("timeout", at=0)
    assert named("session_taken_over", at=0)
    assert named("session_taken_over", at=0)
    assert trail.said == ["identity_elsewhere"]
    assert named(None, at=REMEMBERED_SECONDS - 1)
    assert not named(None, at=REMEMBERED_SECONDS + 1)
    assert named("session_taken_over", at=REMEMBERED_SECONDS + 1)
    assert trail.said == ["identity_elsewhere"] * 2

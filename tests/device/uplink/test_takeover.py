from typing import Any

from device.uplink.takeover import REMEMBERED_SECONDS, SessionTakeover


class Trail:
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, action: str, **_: object) -> None:
        self.said.append(action)


def test_each_time_is_audited_once_and_remembered_for_an_hour() -> None:
    trail: Any = Trail()
    moment = 0.0
    doubles = SessionTakeover(trail, steady=lambda: moment)
    assert not doubles.look(None)
    assert not doubles.look("timeout")
    assert doubles.look("session_taken_over")
    assert doubles.look("session_taken_over")
    assert trail.said == ["identity_elsewhere"]
    moment = REMEMBERED_SECONDS - 1
    assert doubles.look(None)
    moment += 2
    assert not doubles.look(None)
    assert doubles.look("session_taken_over")
    assert trail.said == ["identity_elsewhere"] * 2

from platepost.device.board.base import Light
from platepost.simulator.live.worker import ShownBoard


def test_each_change_is_told_once_and_whole() -> None:
    told: list[dict[str, bool | str]] = []
    with ShownBoard(told.append) as board:
        board.status_light(Light.IN_SERVICE)
        board.status_light(Light.IN_SERVICE)
        board.open_case()
    assert [lines["status_light"] for lines in told] == ["off", "in_service", "in_service", "off"]
    assert [lines["tamper"] for lines in told] == [False, False, True, True]
    assert set(told[0]) == {"illuminator", "status_light", "camera_power", "tamper"}

"""What a post needs of a board, whatever its pins are."""

import pytest

from platepost.common.errors import BackendError, ConfigurationError
from platepost.device.board.base import Light
from tests.conformance.boards import BoardStand, Switch
from tests.waiting import until


def test_outputs_are_safe_at_the_start(wired: BoardStand) -> None:
    with wired.make():
        assert wired.levels("illuminator") == [False]
        assert wired.levels("camera_power")[-1] is True
        assert wired.levels("status_light")[0] is False


def test_the_illuminator_is_switched(wired: BoardStand) -> None:
    with wired.make() as board:
        board.illuminator(on=True)
        board.illuminator(on=True)
        board.illuminator(on=False)
        assert wired.levels("illuminator") == [False, True, False]


def test_the_illuminator_is_strobed_within_its_duty(wired: BoardStand, note: list[str]) -> None:
    if not wired.strobes:
        pytest.skip("it has no strobe")
    with wired.make(illuminator_hertz=400, illuminator_duty=20, illuminator_most_duty=25) as board:
        board.illuminator(on=True)
        note.append(wired.strobed(hertz=400, duty=20))
        board.illuminator(on=False)
        assert wired.levels("illuminator")[-1] is False
    with pytest.raises(ConfigurationError, match="bears 25 %"):
        wired.make(illuminator_hertz=400, illuminator_duty=50, illuminator_most_duty=25)


def test_camera_power_is_switched(wired: BoardStand) -> None:
    with wired.make() as board:
        assert board.switches_camera
        before = len(wired.levels("camera_power"))
        board.camera_power(on=False)
        board.camera_power(on=True)
        assert wired.levels("camera_power")[before:] == [False, True]


@pytest.mark.parametrize("light", [light for light in Light if light is not Light.OFF])
def test_the_status_light_shows_every_state(wired: BoardStand, light: Light) -> None:
    with wired.make() as board:
        board.status_light(light)
        until(lambda: True in wired.levels("status_light"))
        board.status_light(Light.OFF)
        until(lambda: wired.levels("status_light")[-1] is False)


@pytest.mark.parametrize("switch", ["tamper", "door"])
def test_an_opening_is_told_and_a_closing_too(wired: BoardStand, switch: Switch) -> None:
    with wired.make() as board:
        asked = board.tamper_open if switch == "tamper" else board.door_open
        other = board.door_open if switch == "tamper" else board.tamper_open
        assert not asked()
        wired.drive(switch, opened=True)
        until(asked)
        assert asked()
        assert not other()
        wired.drive(switch, opened=False)
        until(lambda: not asked())


def test_an_opening_that_nobody_asked_about_is_told(wired: BoardStand) -> None:
    with wired.make() as board:
        for opened in (True, False):
            wired.drive("tamper", opened=opened)
            until(lambda opened=opened: wired.notices(board, "tamper", opened=opened))  # type: ignore[misc]
        assert board.tamper_open()
        assert not board.tamper_open()


def test_outputs_are_safe_after_closing(wired: BoardStand) -> None:
    board = wired.make()
    board.illuminator(on=True)
    board.camera_power(on=False)
    board.status_light(Light.FAULT)
    until(lambda: True in wired.levels("status_light"))
    before = len(wired.levels("camera_power"))
    board.close()
    board.close()
    assert wired.levels("illuminator")[-1] is False
    assert wired.levels("camera_power")[before] is True
    assert wired.levels("status_light")[-1] is False


def test_outputs_are_safe_whatever_happens(wired: BoardStand) -> None:
    board = wired.make()
    board.illuminator(on=True)
    with pytest.raises(ZeroDivisionError), board:
        raise ZeroDivisionError
    assert wired.levels("illuminator")[-1] is False


def test_closed_it_refuses_to_be_driven(wired: BoardStand) -> None:
    board = wired.make()
    board.close()
    with pytest.raises(BackendError, match="closed"):
        board.illuminator(on=True)
    assert "closed" in repr(board)


def test_its_pins_can_be_taken_again(wired: BoardStand) -> None:
    for _ in range(3):
        with wired.make() as board:
            board.illuminator(on=True)
            assert wired.levels("illuminator")[-1] is True


def test_settings_it_does_not_know_are_refused(wired: BoardStand) -> None:
    with pytest.raises(ConfigurationError):
        wired.make(color_of_the_case="green")

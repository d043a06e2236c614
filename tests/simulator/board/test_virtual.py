import pytest

from platepost.common.errors import BackendError
from platepost.device.board.base import Light
from platepost.simulator.board.virtual import VirtualBoard


def test_history_keeps_each_change_once_and_in_order() -> None:
    board = VirtualBoard()
    board.status_light(Light.STARTING)
    board.illuminator(on=True)
    board.illuminator(on=True)
    board.status_light(Light.IN_SERVICE)

    assert [(state.line, state.value) for state in board.history] == [
        ("status_light", Light.STARTING),
        ("illuminator", True),
        ("status_light", Light.IN_SERVICE),
    ]
    assert all(state.delta >= 0 for state in board.history)
    assert board.states("status_light") == (Light.STARTING, Light.IN_SERVICE)


def test_tamper_follows_whoever_opens_the_case() -> None:
    board = VirtualBoard()
    assert not board.tamper_open()
    board.open_case()
    assert board.tamper_open()
    board.close_case()
    assert not board.tamper_open()


def test_close_leaves_the_outputs_safe_and_is_idempotent() -> None:
    with VirtualBoard() as board:
        board.illuminator(on=True)
        board.camera_power(on=False)
        board.status_light(Light.FAULT)
    board.close()

    assert board.value("illuminator") is False
    assert board.value("camera_power") is True
    assert board.value("status_light") is Light.OFF
    assert repr(board) == "<VirtualBoard closed>"


def test_closed_board_refuses_to_be_driven() -> None:
    board = VirtualBoard()
    board.close()
    with pytest.raises(BackendError, match="closed"):
        board.illuminator(on=True)

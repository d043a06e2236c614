"""A process that is killed, on the pins of an emulated Raspberry Pi: what it leaves, and who makes that safe."""

import pytest

from platepost.provisioning.fleet.post_file import PostSettings, post_file
from tests.pi.machine import LIBRARIES, Pi, RemoteBoard

ILLUMINATOR, CAMERA_POWER, STATUS_LIGHT = 17, 27, 22
WIRING = {"illuminator_pin": ILLUMINATOR, "camera_power_pin": CAMERA_POWER, "status_light_pin": STATUS_LIGHT}


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_a_killed_process_leaves_is_made_safe_by_the_command(pi: Pi, library: str) -> None:
    chip = pi.chip
    with pi.process(library):
        board = RemoteBoard(pi, WIRING)
        board.illuminator(on=True)
        board.camera_power(on=False)
        pi.ask(kill=True)
    assert chip.is_output(ILLUMINATOR)
    assert chip.level(ILLUMINATOR), "the illuminator went out by itself"
    assert chip.is_output(CAMERA_POWER)
    assert not chip.level(CAMERA_POWER)
    settings = PostSettings(brokers=("localhost:1",), board="rpi", more={"board.rpi": WIRING})
    pi.ask(write="/run/post.toml", text=post_file(agency="demo", name="post-1", settings=settings))
    chip.forget()
    code, said = pi.ask(run=["board", "--config", "/run/post.toml", "--safe"], library=library)
    assert code == 0, said
    assert chip.changes(ILLUMINATOR) == [False]
    assert chip.changes(CAMERA_POWER) == [True]
    assert not chip.level(STATUS_LIGHT)

import numpy as np

from platepost.device.camera.background import FRAMES, BackgroundModel


def test_the_street_is_what_stays_when_vehicles_pass() -> None:
    road = np.tile(np.linspace(40, 160, 640, dtype=np.uint8), (360, 1))
    background = BackgroundModel()
    for look in range(FRAMES):
        frame = road.copy()
        if look % 3 == 0:
            frame[100:300, 200:500] = 250
        ready = background.update(frame, float(look))
        assert ready == (look == FRAMES - 1)
        assert background.update(frame, look + 0.01) == ready, "too soon to be another look"
    empty = BackgroundModel()
    empty.update(road, 0.0)
    assert np.array_equal(background.median[0], empty.median[0])
    background.forget()
    assert not background.ready

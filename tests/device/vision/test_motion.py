import numpy as np

from platepost.device.vision.motion import MotionGate


def road(rng: np.random.Generator, brightness: int = 100) -> np.ndarray:
    return np.clip(rng.normal(brightness, 6, (360, 640)), 0, 255).astype(np.uint8)


def test_an_idle_road_closes_the_gate_and_a_vehicle_opens_it() -> None:
    rng = np.random.default_rng(1)
    gate = MotionGate(hold_seconds=0.5)
    seen = [gate.moves(road(rng), step / 10) for step in range(30)]
    assert seen[0]
    assert not any(seen[7:])
    with_vehicle = road(rng)
    with_vehicle[100:200, 200:320] = 30
    assert gate.moves(with_vehicle, 3.1)
    assert gate.moves(road(rng), 3.5)
    assert not gate.moves(road(rng), 3.9)


def test_a_plate_far_away_is_enough() -> None:
    rng = np.random.default_rng(2)
    gate = MotionGate(hold_seconds=0.1)
    for step in range(20):
        gate.moves(road(rng), step / 10)
    picture = road(rng)
    picture[100:124, 300:340] = 230
    assert gate.moves(picture, 2.0)


def test_a_cloud_is_no_motion() -> None:
    rng = np.random.default_rng(3)
    gate = MotionGate(hold_seconds=0.1)
    for step in range(20):
        gate.moves(road(rng), step / 10)
    assert not gate.moves(road(rng, brightness=140), 2.0)


def test_a_gate_of_no_area_is_always_open() -> None:
    gate = MotionGate(least_area=0, hold_seconds=0)
    assert all(gate.moves(np.zeros((90, 160), np.uint8), step) for step in range(5))

"""Where each vehicle is at every instant."""

from dataclasses import dataclass
from math import atan2, cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from platepost.simulator.scene.decoys import make_decoy
from platepost.simulator.scene.description import Decoy, Passing, Scene
from platepost.simulator.scene.vehicles import Vehicle, make_vehicle

LANES = {1: -1.44, 2: 1.44}  # meters from the middle of the road
MPH = 0.44704  # meters a second
_LIT_BY_DAY = 0.55  # share of vehicles with daytime lamps
_ALL_LIT = 0.4  # strength of the lamps from which everyone has them on
_BEHIND, _BEYOND = 2.0, 90.0  # meters between which a vehicle can be in view


@dataclass(frozen=True)
class Drive:
    """One vehicle's way past the post: even speed, a slow sway in its lane, a little bounce."""

    passing: Passing
    aim: float
    sway: float
    sway_rate: float
    phase: float
    bounce: float

    @property
    def speed(self) -> float:
        """Meters a second along z: negative when it approaches."""
        return self.passing.mph * MPH * (-1 if self.passing.direction == "approaching" else 1)

    def place(self, time: float) -> tuple[float, float]:
        """Give the middle of the near end at an instant: x and z."""
        z = self.aim + self.speed * (time - self.passing.at)
        x = LANES[self.passing.lane] + self.passing.shift + self.sway * sin(self.sway_rate * time + self.phase)
        return x, z

    def street(self, time: float) -> NDArray[np.float64]:
        """Give the 4 x 4 matrix from the vehicle's axes to the street's at an instant."""
        x, z = self.place(time)
        drift = self.sway * self.sway_rate * cos(self.sway_rate * time + self.phase)
        turn = atan2(drift, self.speed)
        turn = turn - pi if self.speed < 0 and turn > 0 else turn + pi if self.speed < 0 else turn
        nod = self.bounce * sin(2 * pi * 1.3 * time + self.phase)
        about_y = np.array([[cos(turn), 0, sin(turn)], [0, 1, 0], [-sin(turn), 0, cos(turn)]])
        about_x = np.array([[1, 0, 0], [0, cos(nod), -sin(nod)], [0, sin(nod), cos(nod)]])
        matrix = np.eye(4)
        matrix[:3, :3] = about_y @ about_x
        matrix[:3, 3] = (x, self.bounce * 0.8 * sin(2 * pi * 1.3 * time + self.phase + 1.0), z)
        return matrix

    def in_view(self, time: float, length: float) -> bool:
        """Whether any of it may be seen."""
        return -_BEHIND - length < self.place(time)[1] - _BEHIND * 2 and self.place(time)[1] < _BEYOND


def drives(scene: Scene) -> list[Drive]:
    """Give the ways of all passings, in the scene's order."""
    rng = np.random.default_rng([scene.clip.seed, 1])
    return [
        Drive(
            passing,
            scene.aim,
            0.0 if isinstance(passing, Decoy) and passing.kind == "sign" else float(rng.uniform(0.02, 0.07)),
            float(rng.uniform(0.4, 0.9)),
            float(rng.uniform(0, 2 * pi)),
            float(rng.uniform(0.001, 0.004)),
        )
        for passing in scene.moving
    ]


def vehicle_of(scene: Scene, index: int) -> Vehicle:
    """Give the vehicle of a passing; the same seed gives the same vehicle."""
    passing = scene.moving[index]
    seed = [scene.clip.seed, 2, index] if passing.seed is None else [passing.seed]
    by_night = scene.weather.lamps >= _ALL_LIT
    lit = 1.0 if by_night or np.random.default_rng([*seed, 9]).random() < _LIT_BY_DAY else 0.02
    if isinstance(passing, Decoy):
        return make_decoy(np.random.default_rng(seed), passing, lit=lit)
    return make_vehicle(
        np.random.default_rng(seed),
        body=passing.body,
        paint=passing.paint,
        text=passing.text,
        design=passing.design,
        receding=passing.direction == "receding",
        lit=lit,
        dirt=passing.dirt,
    )

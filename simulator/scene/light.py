"""Hours and weathers: where the sun is and what light comes from where."""

from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray

Color = tuple[float, float, float]


@dataclass(frozen=True)
class Lighting:
    """The light on the street, in units in which a white sheet in full sun gives about 1."""

    sun_height: float  # degrees above the horizon
    sun_bearing: float  # degrees from behind the post, clockwise
    sun: Color
    zenith: Color
    horizon: Color
    ground: Color
    trees: Color
    overcast: float = 0.0
    infrared: bool = False
    lamp_power: float = 0.0
    exposure: float = 0.95
    noise: float = 1.0

    @property
    def towards_sun(self) -> NDArray[np.float64]:
        """The unit vector to the sun in the street's axes."""
        height, bearing = radians(self.sun_height), radians(self.sun_bearing)
        return np.array([cos(height) * sin(bearing), sin(height), -cos(height) * cos(bearing)])


LIGHTS: dict[str, Lighting] = {
    "day": Lighting(50, 42, (1.18, 1.10, 0.98), (0.135, 0.20, 0.33), (0.37, 0.42, 0.48), (0.17, 0.165, 0.155),
                    (0.05, 0.06, 0.035),
                    exposure=1.22),
    "overcast": Lighting(50, 42, (0.12, 0.12, 0.12), (0.55, 0.58, 0.62), (0.44, 0.46, 0.48), (0.13, 0.13, 0.13),
                         (0.07, 0.08, 0.06), overcast=1.0, exposure=1.62),
    "dusk": Lighting(9, 120, (0.10, 0.065, 0.04), (0.09, 0.11, 0.17), (0.26, 0.19, 0.15), (0.035, 0.035, 0.037),
                     (0.018, 0.018, 0.018), overcast=0.6, exposure=3.6, noise=2.2),
    "infrared": Lighting(40, 180, (0.0, 0.0, 0.0), (0.0012,) * 3, (0.0025,) * 3, (0.001,) * 3, (0.001,) * 3,
                         overcast=1.0, infrared=True, lamp_power=0.55, exposure=1.0, noise=2.4),
    "rain": Lighting(60, 30, (0.03, 0.03, 0.03), (0.42, 0.45, 0.49), (0.36, 0.38, 0.40), (0.07, 0.07, 0.072),
                     (0.05, 0.055, 0.05), overcast=1.0, exposure=1.75, noise=1.5),
    "glare": Lighting(14, 172, (0.75, 0.62, 0.42), (0.24, 0.30, 0.42), (0.85, 0.74, 0.56), (0.17, 0.15, 0.12),
                      (0.05, 0.045, 0.03), exposure=1.15, noise=1.3),
}  # fmt: skip


def between(first: Lighting, second: Lighting, share: float) -> Lighting:
    """Give the light `share` of the way from one to the other; the kind (color or infrared) stays the first's."""

    def mix(a: float, b: float) -> float:
        return a + (b - a) * share

    def tint(a: Color, b: Color) -> Color:
        return (mix(a[0], b[0]), mix(a[1], b[1]), mix(a[2], b[2]))

    exposure = first.exposure * (second.exposure / first.exposure) ** share
    return Lighting(
        mix(first.sun_height, second.sun_height), mix(first.sun_bearing, second.sun_bearing),
        tint(first.sun, second.sun), tint(first.zenith, second.zenith), tint(first.horizon, second.horizon),
        tint(first.ground, second.ground),
        tint(first.trees, second.trees), mix(first.overcast, second.overcast), first.infrared,
        mix(first.lamp_power, second.lamp_power), exposure, mix(first.noise, second.noise),
    )  # fmt: skip

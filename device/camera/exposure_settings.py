"""How a post exposes: the settings that a camera shares with others whose shutter and gain it sets."""

from math import radians, sin
from typing import Literal, Self

from pydantic import Field, model_validator

from platepost.common.settings import Section
from platepost.device.camera.exposure import Exposure, Limits

PLATE_METERS = 0.305
"""Width of a United States plate, 12 inches (SAE J686)."""
SECONDS_AT_1_KMH = 1 / 11
"""The rule of camera makers, shutter = 1 / (11 x km/h) s, is never exceeded, however well the geometry looks:
1/1000 s at 55 mph (Milestone, "LPR lens and shutter speed")."""


def longest_shutter(*, fastest_kmh: float, angle_degrees: float, plate_pixels: float, blur_pixels: float) -> int:
    """Return the longest shutter in microseconds.

    Args:
        fastest_kmh: the fastest vehicle that must be read.
        angle_degrees: between the camera's axis and the way of the vehicles; only what crosses the axis blurs.
        plate_pixels: across a plate where it is read.
        blur_pixels: how far a plate may move meanwhile.

    """
    meters_per_second = fastest_kmh / 3.6
    pixels_per_second = meters_per_second * sin(radians(angle_degrees)) * plate_pixels / PLATE_METERS
    return max(1, int(1e6 * min(blur_pixels / pixels_per_second, SECONDS_AT_1_KMH / fastest_kmh)))


class ExposureSettings(Section):
    """Shutter and gain, within the limits that the road sets."""

    fastest_kmh: float = Field(default=130, ge=5, le=300, description="The fastest vehicle that must be read.")
    angle_degrees: float = Field(
        default=20, ge=2, le=60, description="Between the camera's axis and the way of the vehicles."
    )
    plate_pixels: float = Field(default=130, ge=60, le=600, description="Pixels across a plate where it is read.")
    blur_pixels: float = Field(
        default=2,
        ge=0.5,
        le=5,
        description="How far a plate may move while the shutter is open; its strokes are 3 wide.",
    )

    exposure: Literal["plates", "fixed"] = Field(
        default="plates", description="`plates`: by how bright plates are, within the limits; `fixed`: never changed."
    )
    day_shutter_microseconds: int | None = Field(
        default=None, ge=20, le=100_000, description="Shutter time at the start."
    )
    day_gain: float = Field(default=2, ge=1, le=64, description="Analog gain at the start, by day.")
    day_most_gain: float = Field(default=8, ge=1, le=64, description="The highest gain by day.")
    night_shutter_microseconds: int | None = Field(
        default=None, ge=20, le=100_000, description="Shutter time at the start."
    )
    night_gain: float = Field(default=4, ge=1, le=64, description="Gain at the start, by infrared light.")
    night_most_gain: float = Field(default=16, ge=1, le=64, description="The highest gain by infrared light.")

    @property
    def longest_microseconds(self) -> int:
        """How long the shutter may be open."""
        return longest_shutter(
            fastest_kmh=self.fastest_kmh,
            angle_degrees=self.angle_degrees,
            plate_pixels=self.plate_pixels,
            blur_pixels=self.blur_pixels,
        )

    def limits(self, *, infrared: bool) -> Limits:
        """Return how far exposure may go."""
        most = self.night_most_gain if infrared else self.day_most_gain
        return Limits(longest_microseconds=self.longest_microseconds, most_gain=most)

    def start(self, *, infrared: bool) -> Exposure:
        """Return where exposure begins."""
        shutter = self.night_shutter_microseconds if infrared else self.day_shutter_microseconds
        gain = self.night_gain if infrared else self.day_gain
        return Exposure(shutter or self.longest_microseconds, gain)

    @model_validator(mode="after")
    def _exposes_within_limits(self) -> Self:
        longest = self.longest_microseconds
        for name in ("day_shutter_microseconds", "night_shutter_microseconds"):
            value = getattr(self, name)
            if value is not None and value > longest:
                raise ValueError(
                    f"{name} = {value}: plates would blur; vehicles of {self.fastest_kmh:g} km/h at"
                    f" {self.angle_degrees:g} degrees allow {longest} at most"
                )
        for part in ("day", "night"):
            if getattr(self, f"{part}_gain") > getattr(self, f"{part}_most_gain"):
                raise ValueError(f"{part}_gain must not be more than {part}_most_gain")
        return self

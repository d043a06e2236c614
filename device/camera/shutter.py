"""How long the shutter may be open, so that a plate stays sharp on its way through the picture."""

from math import radians, sin

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

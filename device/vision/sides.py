"""Plates that a side of the picture cuts: what is left of one reads as another, shorter text, and often surely."""

from platepost.device.frame import Box
from platepost.device.vision.detector import HEIGHT, WIDTH

SIDE = 2
"""Pixels of the detector's input, from a side of the picture on, within which a plate counts as cut.

Of 181 misreads (0.9 and surer) of training plates cut at a side 173 ended so near or beyond it; of 111 whole plates
that ended a twentieth of their width away, 9.
"""


def is_cut(box: Box, shape: tuple[int, ...]) -> bool:
    """Whether a plate reaches to the left or right side of its picture, which may have cut characters off.

    The upper and the lower edge cut through all characters alike: then the text is mostly still right, or none.

    Args:
        box: left, top, right, bottom of the plate, pixels of the picture.
        shape: height, width of the picture; more is not looked at.

    """
    left, _, right, _ = box
    height, width = shape[:2]
    near = SIDE * max(width / WIDTH, height / HEIGHT)
    return bool(left < near or right > width - near)

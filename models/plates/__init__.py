"""Synthetic number plates: drawn, not photographed, for training and for the simulator's scenes."""

from models.plates.designs import DESIGNS, Design
from models.plates.render import PlateImage, render_plate

__all__ = ["DESIGNS", "Design", "PlateImage", "render_plate"]

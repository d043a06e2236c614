"""Synthetic number plates: drawn, not photographed, for training and for the simulator's scenes."""

from models.plates.degrade import Severity, degrade
from models.plates.designs import DESIGNS, Design
from models.plates.render import PlateImage, render_plate
from models.plates.surroundings import framed

__all__ = ["DESIGNS", "Design", "PlateImage", "Severity", "degrade", "framed", "render_plate"]

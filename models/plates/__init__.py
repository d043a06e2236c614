"""Synthetic number plates: drawn, not photographed, for training and for the simulator's scenes."""

from platepost.models.plates.degrade import Severity, degrade
from platepost.models.plates.designs import DESIGNS, Design
from platepost.models.plates.render import PlateImage, render_plate
from platepost.models.plates.surroundings import framed

__all__ = ["DESIGNS", "Design", "PlateImage", "Severity", "degrade", "framed", "render_plate"]

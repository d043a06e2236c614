"""The vehicle around a plate: kind, color, front or rear."""

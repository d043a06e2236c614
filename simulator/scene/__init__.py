"""Draws footage of a post that does not exist: road, vehicles, plates, weather, lens, sensor; with exact truth."""

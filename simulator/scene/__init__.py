"""Draws recorded footage of a post that does not exist: road, vehicles, plates, weather, lens and sensor, with exact truth."""

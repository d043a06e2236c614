"""Cameras that play what was recorded."""

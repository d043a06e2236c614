"""Detector, reader and passages: frame -> sightings -> read."""

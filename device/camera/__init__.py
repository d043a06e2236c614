"""Frames in: the protocol that every camera fulfils, and the choice of one by name."""

"""Frames in: the protocol that every camera fulfills, capture, supervision and recovery, and what judges the view."""

"""Confidence that means something: Platt scaling of the reader."""

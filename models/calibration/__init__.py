"""Confidence that means something: Platt scaling of the reader, and diagrams of how reliable it is."""

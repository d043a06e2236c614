"""A soak: one whole post for a long time, a fault every few seconds, and a count that reads the wire alone."""

"""GPIO out and in: the protocol that every board fulfils, and the choice of one by name."""

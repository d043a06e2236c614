"""A hit from its arrival to its outcome: who took it, what was seen by eye, what the state says, what came of it."""

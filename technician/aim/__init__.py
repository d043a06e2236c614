"""Aiming: what a technician at the foot of the pole sees, and what it says of the view."""

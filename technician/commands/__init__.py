"""The commands of a technician at the unit, and what the office does about an acceptance."""

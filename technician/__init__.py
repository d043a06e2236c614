"""What a technician does at the unit, and who works there."""

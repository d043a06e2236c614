"""What a technician's commands at a unit have in common: who works there, and the trail of it."""

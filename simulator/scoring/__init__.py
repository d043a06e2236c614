"""What really happens in a clip, and how well reads tell it."""

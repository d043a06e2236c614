"""The issuing state from the look of a plate: California, another, or unknown."""

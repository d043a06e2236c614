"""The audit log: written when records cannot be, with a rate limit for what repeats."""

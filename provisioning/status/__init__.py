"""The fleet at a glance: what every post says of itself in its retained status, verified and judged."""

"""A fleet's root of trust: its authorities, its keys, and what became of every certificate."""

"""Changing the keys that a fleet trusts."""

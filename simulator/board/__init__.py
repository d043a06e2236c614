"""Boards without pins."""

"""Statements about signing keys: which key replaces which."""

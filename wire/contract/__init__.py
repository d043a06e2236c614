"""Writes docs/contract from the record types. Not installed on a post."""

"""Proves that a stream of records is complete and genuine."""

"""The archive's migrations."""

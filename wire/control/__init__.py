"""Configurations, commands and keys set remotely: what is signed, and how it is judged."""

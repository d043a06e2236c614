"""Acceptance: the checklist by which a technician puts a post in service, and the report that is kept of it."""

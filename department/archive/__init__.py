"""Retention, holds, purges with proof, evidence packages, exports and imports, backups."""

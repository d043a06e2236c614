"""Migrations of federation."""

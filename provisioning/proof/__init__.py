"""Proving at the running broker that everybody may do what they may, and nothing else."""

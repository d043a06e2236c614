"""The demonstration: one post does its whole job on recorded footage, and everything it said is checked."""

"""Finds plates from what a witness remembers: a pattern, a place, a time. It reads by `custody.reading` alone."""

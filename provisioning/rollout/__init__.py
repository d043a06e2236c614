"""One change for a whole fleet: to a few posts first, watched, then to all, or back."""

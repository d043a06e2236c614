"""The one source of steady and of wall time, and how far the time can be trusted."""

"""The remote configuration: verified, tried, kept."""

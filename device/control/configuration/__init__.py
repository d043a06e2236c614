"""The configuration sent from afar: verified, tried, kept."""

"""What templates of other apps show of the archive."""

"""Commands of custody: verifying, rebuilding, pictures."""

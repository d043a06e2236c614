"""Clock quality, watchdog and degraded states."""

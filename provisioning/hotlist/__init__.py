"""From a department's exports to a signed, sealed hot-list package."""

"""Whom a running post obeys, and what it does for them. The signed documents themselves: `device.control`."""

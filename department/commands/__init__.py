"""The commands of `platepost department`."""

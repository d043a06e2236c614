"""The commands that build, inspect and publish hot lists."""

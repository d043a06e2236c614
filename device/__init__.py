"""What runs on the post; imports nothing of the other folders. Read `device.post` first."""

__version__ = "0.1.0"

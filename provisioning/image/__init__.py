"""The boot partition of a stock Raspberry Pi OS, prepared so that the unit comes up waiting to be enrolled."""

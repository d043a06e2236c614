"""How often a network is asked for its golden output: a second time shows that the first left nothing behind."""

import platform

ASKED = 1 if platform.machine() == "aarch64" else 2
"""An emulated processor takes half a minute to look once; what a network keeps is no matter of the processor."""

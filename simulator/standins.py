"""Puts stand-ins in place of the libraries of a Raspberry Pi, while a test or a trial lasts."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from simulator.board import rpi_gpio
from simulator.camera import picamera2_standin


@contextmanager
def standing_in() -> Iterator[None]:
    """Let `import picamera2` and `import RPi.GPIO` find the stand-ins, both as new.

    Whatever took the names before is there again afterwards. Not for several threads at a time: there is one sensor and
    one chip.
    """
    package = ModuleType("RPi")
    package.GPIO = rpi_gpio  # type: ignore[attr-defined]
    modules = {"picamera2": picamera2_standin, "RPi": package, "RPi.GPIO": rpi_gpio}
    before = {name: sys.modules.get(name) for name in modules}
    rpi_gpio.reset()
    picamera2_standin.sensor.reset()
    sys.modules.update(modules)
    try:
        yield
    finally:
        # A driver that was made to hang must not hang on.
        picamera2_standin.sensor.resume()
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module

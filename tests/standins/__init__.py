"""Stand-ins for the libraries of a Raspberry Pi, while a test lasts."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from tests.standins import picamera2, rpi_gpio


@contextmanager
def standing_in() -> Iterator[None]:
    """Let `import picamera2` and `import RPi.GPIO` find the stand-ins, both as new.

    Whatever took the names before is there again afterwards. Not for several threads at a time: there is one sensor and
    one chip.
    """
    package = ModuleType("RPi")
    package.GPIO = rpi_gpio  # type: ignore[attr-defined]
    modules = {"picamera2": picamera2, "RPi": package, "RPi.GPIO": rpi_gpio}
    before = {name: sys.modules.get(name) for name in modules}
    rpi_gpio.reset()
    picamera2.sensor.reset()
    sys.modules.update(modules)
    try:
        yield
    finally:
        # A driver that was made to hang must not hang on.
        picamera2.sensor.resume()
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module

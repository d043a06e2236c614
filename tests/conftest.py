import os
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from platepost.models.plates import fonts
from tests.pi.machine import Pi

# On emulated ARM there is no browser and no decoder of videos, and no test that asks for one.
pytest_plugins = ["tests.dealing", "tests.memory_disk", "tests.supervision", "tests.reporting"]
if find_spec("av"):
    pytest_plugins += ["tests.footage", "tests.remembering"]
if find_spec("playwright"):
    pytest_plugins.append("tests.browser")

# The same examples every time, and no example fails for the machine's being busy.
settings.register_profile("platepost", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("platepost")
# It would parse each of our modules that is loaded, in each worker, to draw its constants too: which examples it draws
# would depend on what else was collected.
providers._get_local_constants = lambda: providers._local_constants  # none


@pytest.fixture(scope="session", autouse=True)
def no_fonts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Draw plates with the generator's own dies only, so that a seed gives the same picture on every machine."""
    empty = tmp_path_factory.mktemp("fonts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLATEPOST_FONTS", str(empty))
        patch.setattr(fonts, "SYSTEM_FOLDER", empty)
        fonts.installed.cache_clear()
        fonts.of_family.cache_clear()
        yield
    fonts.installed.cache_clear()
    fonts.of_family.cache_clear()


@pytest.fixture
def heeded() -> Iterator[None]:
    """Have what a test starts heed Ctrl-C and a lost terminal, though the tests were started with `nohup` or `&`."""
    numbers = [number for number in (signal.SIGINT, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_IGN]
    for number in numbers:
        signal.signal(number, lambda *_: None)
    yield
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(scope="session")
def pi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pi]:
    """Start an emulated Raspberry Pi, once for all tests."""
    folder = os.environ.get("PLATEPOST_PI_MACHINE")
    if not folder:
        pytest.skip("the emulated Raspberry Pi is missing: make test-pins")
    with Pi(Path(folder), tmp_path_factory.mktemp("pi")) as machine:
        yield machine

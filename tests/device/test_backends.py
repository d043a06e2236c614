import subprocess
import sys

import pytest
from pytest_mock import MockerFixture

from platepost.common.errors import BackendError, BoardError, ConfigurationError
from platepost.common.settings import BackendSettings
from platepost.device import backends, rig


def test_an_unknown_backend_is_named_with_those_that_exist() -> None:
    with pytest.raises(BackendError, match=r"no board is called 'telepathy'; installed: none, rpi, virtual"):
        backends.board("telepathy", {})


def test_a_setting_that_the_backend_does_not_know_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ConfigurationError, match=r"\[board.none\]"):
        backends.board("none", {"color": "red"})


def test_footage_is_found_by_name() -> None:
    camera = backends.camera("footage", {"path": "nowhere.mp4"})
    assert camera.finite


def test_what_a_backend_lacks_is_said_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("platepost.device.camera.footage.camera", "platepost.device.camera.footage.recordings"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(BackendError, match=r"needs av, which is not installed: pip install -e '\.\[clips\]' in"):
        backends.check_camera("footage", {"path": "nowhere.mp4"})


def test_importing_the_device_imports_no_hardware_and_nothing_of_the_other_packages() -> None:
    """Cameras that decode video are imported by name only, where a configuration or a clip asks for them."""
    script = (
        "import pkgutil, importlib, sys, platepost.device\n"
        "modules = pkgutil.walk_packages(platepost.device.__path__, 'platepost.device.')\n"
        "by_name = ('platepost.device.camera.footage.', 'platepost.device.camera.rtsp.')\n"
        "for module in modules: module.name.startswith(by_name) or importlib.import_module(module.name)\n"
        "bad = {'picamera2', 'RPi', 'torch', 'tensorflow', 'av', 'starlette'}\n"
        "bad |= {f'platepost.{name}' for name in ('department', 'provisioning', 'simulator', 'technician')}\n"
        "print(sorted(bad & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_trying_the_board_needs_neither_the_outbox_nor_a_broker() -> None:
    """A unit whose database library is broken, or an emulated one without it, can still be made safe."""
    script = (
        "import sys, platepost.device.commands.board\n"
        "print(sorted({'sqlcipher3', 'paho', 'ai_edge_litert'} & {name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_board_whose_pins_cannot_be_had_is_stood_in_for(mocker: MockerFixture) -> None:
    mocker.patch.object(backends, "board", side_effect=BoardError("'GPIO busy'"))
    stands = rig.board(BackendSettings(backend="rpi"))
    assert stands.failing
    stands.illuminator(on=True)
    assert not stands.tamper_open()


def test_a_post_with_the_pi_s_camera_loads_nothing_of_other_cameras() -> None:
    script = (
        "import sys; from platepost.device import backends, post; backends.check_camera('picamera2', {}); "
        "print([name for name in sys.modules if name == 'av' or '.camera.rtsp' in name or '.camera.v4l2' in name])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

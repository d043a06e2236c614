"""The stand-ins: what MicroPython makes of them, and whether they have what the device uses and no more."""

import ast
import shutil
import subprocess
from pathlib import Path

import pytest

from simulator.board import rpi_gpio
from simulator.camera import picamera2_standin
from simulator.standins import standing_in

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("micropython_standins.py")
MICROPYTHON = shutil.which("micropython")


@pytest.mark.skipif(MICROPYTHON is None, reason="micropython is not installed: apt-get install micropython")
def test_micropython_imports_and_drives_both(tmp_path: Path) -> None:
    (tmp_path / "RPi").mkdir()
    (tmp_path / "RPi" / "__init__.py").touch()
    (tmp_path / "RPi" / "GPIO.py").symlink_to(str(rpi_gpio.__file__))
    (tmp_path / "picamera2.py").symlink_to(str(picamera2_standin.__file__))
    run = subprocess.run(
        [str(MICROPYTHON), "-X", "heapsize=8m", str(PROGRAM), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr
    assert run.stdout.split() == ["gpio", "camera", "done"]


def test_the_names_are_given_back() -> None:
    with standing_in():
        import picamera2  # noqa: PLC0415

        assert picamera2 is picamera2_standin
    with pytest.raises(ImportError):
        import picamera2  # noqa: PLC0415


def surface(stub: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            names = [n for n in node.body if isinstance(n, ast.FunctionDef)]
            found[node.name] = {n.name for n in names}
    return found


def test_the_stand_in_has_all_that_the_stub_says_the_device_uses() -> None:
    for name, methods in surface(ROOT / "stubs" / "picamera2.pyi").items():
        cls = getattr(picamera2_standin, name)
        instance_attributes = Path(str(picamera2_standin.__file__)).read_text(encoding="utf-8")
        for method in methods:
            assert hasattr(cls, method) or f"self.{method} = " in instance_attributes, f"{name}.{method}"


def test_nothing_of_the_device_names_a_stand_in() -> None:
    for file in (ROOT / "device").rglob("*.py"):
        content = file.read_text(encoding="utf-8")
        assert "picamera2_standin" not in content
        assert "rpi_gpio" not in content

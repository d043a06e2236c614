"""The stand-ins have what the device uses, and give the libraries' names back."""

import ast
from pathlib import Path

import pytest

from tests import standins
from tests.standins import standing_in

ROOT = Path(__file__).parents[2]


def test_the_names_are_given_back() -> None:
    with standing_in():
        import picamera2  # noqa: PLC0415

        assert picamera2 is standins.picamera2
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
        cls = getattr(standins.picamera2, name)
        instance_attributes = Path(str(standins.picamera2.__file__)).read_text(encoding="utf-8")
        for method in methods:
            assert hasattr(cls, method) or f"self.{method} = " in instance_attributes, f"{name}.{method}"

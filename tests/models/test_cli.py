import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.models.cli import models


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(models, arguments)
    return result.exit_code, result.output


def test_help_lists_the_commands_and_imports_no_torch() -> None:
    before = "torch" in sys.modules
    code, output = run("--help")
    assert code == 0
    assert all(name in output for name in ("train", "convert", "evaluate"))
    assert ("torch" in sys.modules) == before


@pytest.mark.parametrize("command", ["train", "convert"])
def test_each_net_can_be_trained_and_converted(command: str) -> None:
    code, output = run(command, "--help")
    assert code == 0
    assert "detector" in output
    assert "reader" in output
    assert "region" in output
    assert "vehicle" in output


HEAVY = ("PIL", "fontTools", "keras", "tensorflow", "torch")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make it seem that the training extra is not installed."""
    for name in [name for name in sys.modules if name.startswith("models.") and name != "platepost.models.cli"]:
        monkeypatch.delitem(sys.modules, name)
    for name in HEAVY:
        for module in [module for module in sys.modules if module.partition(".")[0] == name]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("net", ["detector", "reader", "region", "vehicle"])
@pytest.mark.parametrize("command", ["train", "convert"])
def test_help_needs_nothing_of_the_training_extra(command: str, net: str) -> None:
    code, output = run(command, net, "--help")
    assert code == 0
    assert "--seed" in output


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("net", ["detector", "reader", "region", "vehicle"])
@pytest.mark.parametrize("command", ["train", "convert"])
def test_what_is_missing_says_which_extra_brings_it(command: str, net: str, tmp_path: Path) -> None:
    checkpoint = tmp_path / "best.pt"
    checkpoint.write_bytes(b"")
    paths = [str(checkpoint), str(tmp_path / "out.tflite")] if command == "convert" else [str(tmp_path / "run")]
    code, output = run(command, net, *paths, "--photos", str(tmp_path))
    assert code == 1
    assert f"models {command} {net}' needs " in output
    assert "pip install -e '.[training]' in a checkout, or pip install 'FILE.whl[training]'" in output


def test_defaults_shown_are_those_of_the_training() -> None:
    pytest.importorskip("torch", reason="the training extra is missing: make .venv/.training")
    from platepost.models.detector.cli import SEED, STEPS  # noqa: PLC0415
    from platepost.models.detector.train import Training  # noqa: PLC0415

    assert (Training.steps, Training.seed) == (STEPS, SEED)


def test_unknown_command_is_an_error() -> None:
    assert run("polish")[0] != 0


def test_reader_commands_name_their_arguments(tmp_path: Path) -> None:
    code, output = run("convert", "reader", str(tmp_path / "absent.pt"), str(tmp_path / "out.tflite"))
    assert code != 0
    assert "absent.pt" in output

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from models.cli import models


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
def test_both_nets_can_be_trained_and_converted(command: str) -> None:
    code, output = run(command, "--help")
    assert code == 0
    assert "detector" in output
    assert "reader" in output


def test_missing_torch_says_which_extra_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("models.reader.cli", "models.reader.convert", "models.reader.net", "models.reader.train"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    code, output = run("convert", "reader", "--help")
    assert code == 1
    assert "platepost[training]" in output


def test_unknown_command_is_an_error() -> None:
    assert run("polish")[0] != 0


def test_reader_commands_name_their_arguments(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the training extra is not installed")
    code, output = run("convert", "reader", str(tmp_path / "absent.pt"), str(tmp_path / "out.tflite"))
    assert code != 0
    assert "absent.pt" in output

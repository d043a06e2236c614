"""The end of practicing: what was accepted there is said, and nothing of it is to be used."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from platepost.device.config import Configuration
from platepost.simulator import practice


def test_practice_names_no_next_step_and_nothing_that_is_thrown_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shown: list[Configuration] = []

    def accepted(configuration: Configuration, *_: Any, **_more: Any) -> SimpleNamespace:
        shown.append(configuration)
        return SimpleNamespace(accepted={"day"})

    monkeypatch.setattr(practice, "aimed", accepted)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = CliRunner().invoke(practice.aim, [], catch_exceptions=False)
    assert result.exit_code == 0
    assert shown[0].outbox.path.is_relative_to(tmp_path)
    assert result.output.splitlines() == [
        "Accepted: the view in daylight.",
        "This was practice: the post is deleted, and nothing is saved. At a unit, run platepost aim.",
    ]

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from provisioning.cli import provision
from provisioning.fleet.fleet import Fleet


def test_a_server_without_its_extra_says_the_extra_s_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside", administrator="j-stone")
    monkeypatch.delitem(sys.modules, "provisioning.enrollment.server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    words = ["enroll-server", str(fleet.directory), "--name", "localhost", "--as", "j-stone", "--purpose", "drill"]
    result = CliRunner().invoke(provision, words)
    assert result.exit_code == 1
    assert "enroll-server' needs uvicorn, which is not installed: pip install -e '.[provisioning]' in" in result.output

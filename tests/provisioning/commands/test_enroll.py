import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.provisioning.cli import provision
from platepost.provisioning.fleet.fleet import Fleet


def test_a_server_without_its_extra_says_the_extra_s_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside", administrator="j-stone")
    monkeypatch.delitem(sys.modules, "platepost.provisioning.enrollment.server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    words = ["enroll-server", str(fleet.directory), "--name", "localhost", "--as", "j-stone", "--purpose", "drill"]
    result = CliRunner().invoke(provision, words)
    assert result.exit_code == 1
    assert "enroll-server' needs uvicorn, which is not installed: pip install -e '.[provisioning]' in" in result.output


def test_who_gives_no_reload_is_told_that_a_former_unit_is_still_admitted(tmp_path: Path) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside", administrator="j-stone")
    words = ["enroll-offline", str(fleet.directory), str(tmp_path), "--as", "j-stone", "--purpose", "drill"]
    told = "it admits the former one until it is restarted"
    assert told in CliRunner().invoke(provision, words).output
    assert told not in CliRunner().invoke(provision, [*words, "--reload", "true"]).output

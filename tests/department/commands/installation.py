"""One department's folder, made by the commands as a user gives them, each in a process of its own."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from department.database.cluster import PrivateCluster, installed_versions
from provisioning.fleet.fleet import Fleet
from provisioning.fleet.post_file import PostSettings
from provisioning.fleet.register import write_register


class Commands:
    """Gives commands of `platepost department` about one folder."""

    def __init__(self, folder: Path, identity: Path) -> None:
        self.folder = folder
        self.identity = identity

    def __call__(self, name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.line(name, *arguments), capture_output=True, text=True, check=False)

    def json(self, name: str, *arguments: str | Path) -> Any:  # noqa: ANN401 - what the command says
        done = self(name, *arguments, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def line(self, name: str, *arguments: str | Path) -> Sequence[str]:
        code = "from device.cli import main; main()"
        return [sys.executable, "-c", code, "department", *name.split(), str(self.folder), *map(str, arguments)]


@pytest.fixture(scope="module")
def department() -> Iterator[Commands]:
    """Make a fleet and a department's folder for its custodian, once for all tests of a file."""
    if not installed_versions():
        pytest.skip("PostgreSQL IS NOT INSTALLED: apt-get install postgresql, or make tools")
    top = Path(tempfile.mkdtemp(prefix="pp-", dir="/tmp"))
    top.chmod(0o711)
    fleet = Fleet.create(top / "fleet", agency="riverside", custodian="records")
    fleet.add_post("post-1", PostSettings(brokers=("localhost:8883",)))
    write_register(fleet)
    made = Commands(top / "vault", top / "fleet" / "custody" / "records")
    done = made("init", made.identity)
    assert done.returncode == 0, done.stderr
    yield made
    PrivateCluster(made.folder / "database").kill()
    shutil.rmtree(top)

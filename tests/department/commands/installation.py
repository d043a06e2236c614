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

from department.database.cluster import PrivateCluster


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


def commands(top: Path) -> Commands:
    """Return the commands of a department that lies there beside its fleet."""
    return Commands(top / "vault", top / "fleet" / "custody" / "records")


def new_folder() -> Path:
    """Make a folder that the database's user may pass, and short enough for the path of a socket."""
    top = Path(tempfile.mkdtemp(prefix="pp-", dir="/tmp"))
    top.chmod(0o711)
    return top


@pytest.fixture(scope="module")
def department(installed: Path) -> Iterator[Commands]:
    """Give a fleet and a department's folder for its custodian to all tests of a file: a copy, which is made sooner."""
    top = new_folder()
    subprocess.run(["cp", "-a", f"{installed}/.", top], check=True)  # the database is its server's user's
    settings = top / "vault" / "department.toml"
    settings.write_text(settings.read_text().replace(str(installed), str(top)))
    yield commands(top)
    PrivateCluster(top / "vault" / "database").kill()
    shutil.rmtree(top)

"""No private key is to be had by another user, from the list of processes, a log, or a core file."""

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from tests.provisioning.enrollment.conftest import Department

NOBODY = 65534


@pytest.fixture
def fleet(department: Department) -> Fleet:
    department.fleet.add_post("post-1", PostSettings(brokers=("localhost:8883",)))
    return department.fleet


def secrets(directory: Path) -> list[Path]:
    found = [path for path in directory.rglob("*") if path.is_file()]
    return [path for path in found if path.name == "outbox.key" or b"PRIVATE KEY" in path.read_bytes()]


ATTEMPT = """
import sys
for path in sys.argv[1:]:
    try:
        open(path)
        print(path)
    except OSError:
        pass
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="root is missing: run the tests as root")
def test_another_user_reads_no_key(fleet: Fleet, department: Department) -> None:
    unit = department.unit("unit")
    department.enroll(unit, "post-17", department.invite("post-17"))
    # Where the way is open to everyone, so that nothing but the files' and folders' own modes keeps him out.
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        for folder in (fleet.directory, unit.directory):
            shutil.copytree(folder, Path(place) / folder.name)
        (Path(place) / "open").write_text("to everybody")
        keys = secrets(Path(place))
        assert len(keys) > 10
        done = subprocess.run(
            ["/usr/bin/python3", "-c", ATTEMPT, *map(str, keys), f"{place}/open"],
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.split() == [f"{place}/open"]


PROGRAM = """
import os, resource, signal, sys
from platepost.common.secrets.undumpable import hide_memory
resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
if sys.argv[1] == "hidden":
    hide_memory()
print(resource.getrlimit(resource.RLIMIT_CORE)[0], os.stat(f"/proc/{os.getpid()}/mem").st_uid, flush=True)
os.kill(os.getpid(), signal.SIGSEGV)
"""


def test_process_that_holds_keys_leaves_no_core_file(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", textwrap.dedent(PROGRAM)]
    hidden = subprocess.run([*arguments, "hidden"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert hidden.stdout.split()[0] == "0"
    assert hidden.returncode < 0
    assert list(tmp_path.iterdir()) == []


def test_every_command_hides_its_memory_first() -> None:
    program = """
        import resource, sys, click
        from platepost.device import cli
        sys.argv = ["platepost", "--version"]
        try:
            cli.main()
        except SystemExit:
            pass
        print(resource.getrlimit(resource.RLIMIT_CORE))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "(0, 0)"


def test_no_key_and_no_code_is_logged_or_among_the_arguments(
    department: Department, caplog: pytest.LogCaptureFixture
) -> None:
    """The unit's own log at its most talkative, the office's with it, and every child that either starts."""
    started: list[object] = []
    real = subprocess.Popen.__init__

    def noted(self: object, arguments: object, *more: object, **named: object) -> None:
        started.append(arguments)
        real(self, arguments, *more, **named)  # type: ignore[arg-type]

    with caplog.at_level(0), pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", noted)
        unit = department.unit("unit")
        code = department.invite("post-17")
        department.enroll(unit, "post-17", code)
    text = caplog.text + repr(started)
    for path in secrets(unit.directory):
        assert path.read_text().splitlines()[1 if "PRIVATE" in path.read_text() else 0] not in text
    assert code not in text
    assert code.replace("-", "") not in text

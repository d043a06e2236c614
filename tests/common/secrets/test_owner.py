"""A technician's command, which sudo starts as root, goes on as the user of the post's service."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.device.nobody import NOBODY, needs_root

PROGRAM = """
import os, sys
from pathlib import Path
from platepost.common.errors import ConfigurationError
from platepost.common.secrets.owner import become_owner
configuration = Path(sys.argv[1])
try:
    become_owner(configuration.parent / sys.argv[2], configuration)
except ConfigurationError as error:
    sys.exit(str(error))
print(os.getresuid(), os.getresgid())
print([(path.name, path.read_text()) for path in (configuration.parent / "keys").iterdir()])
for path in map(Path, sys.argv[3:]):
    try:
        path.write_text("written")
    except OSError:
        print("refused")
    else:
        print("written")
"""


def outcome(*words: object, state: str = "state", wrapper: tuple[str, ...] = ()) -> tuple[list[str], str]:
    configuration, *files = words
    command = [*wrapper, sys.executable, "-c", PROGRAM, configuration, state, *files]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    return done.stdout.splitlines(), done.stderr


@needs_root
def test_root_becomes_the_owner_of_the_state_with_copies_of_the_keys_that_end_with_it() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o755)
        (folder / "keys").mkdir(mode=0o700)
        (folder / "keys" / "outbox.key").write_text("a key")
        (folder / "state").mkdir(mode=0o700)
        os.chown(folder / "state", NOBODY, NOBODY)
        for state in ("state", "state/not/made/yet"):
            lines, errors = outcome(
                folder / "post.toml", folder / "other", folder / "state" / "own", folder / "keys" / "more", state=state
            )
            assert lines == [
                f"{(NOBODY,) * 3} {(NOBODY,) * 3}",
                "[('outbox.key', 'a key')]",
                "refused",
                "written",
                "written",
            ], errors
        assert [path.name for path in (folder / "keys").iterdir()] == ["outbox.key"]
        assert (folder / "keys").stat().st_uid == 0


@needs_root
def test_root_that_cannot_become_the_owner_writes_nothing() -> None:
    alone = ("unshare", "--user", "--map-root-user")  # as in a container: it has one user, and that is root
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a kernel that makes user namespaces here is missing: run the tests outside of a chroot")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o755)
        (folder / "keys").mkdir(mode=0o700)
        (folder / "state").mkdir(mode=0o700)
        os.chown(folder / "state", NOBODY, NOBODY)
        lines, errors = outcome(folder / "post.toml", folder / "other", wrapper=alone)
        assert "cannot work as the owner of" in errors
        assert lines == []
        assert not (folder / "other").exists()


def test_nothing_changes_where_one_user_has_all(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "state").mkdir()
    lines, _ = outcome(tmp_path / "post.toml", tmp_path / "other")
    assert lines == [f"{(os.getuid(),) * 3} {(os.getgid(),) * 3}", "[]", "written"]

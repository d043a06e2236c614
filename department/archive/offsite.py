"""Copies of backups at other places, by rclone: a bucket of S3, a server with SFTP, another disk, and many more.

A copy is as encrypted as the backup. A copy is deleted when the backup was destroyed because its term is over, never
because the backup is missing here: a disk that fails, or a thief at this machine, takes no copy along.
"""

import subprocess
from collections.abc import Collection
from pathlib import Path

from platepost.department.errors import DepartmentError

RESTORE_REPORT = "restore-test.json"
"""Where the machine that tries a restore leaves its report, beside the backups."""
_PROGRAM = "rclone"
_SECONDS = 6 * 3600
"""For all of a night's copies at most."""


class OffsiteCopies:
    """The copies at one place.

    Args:
        remote: the place, as rclone names it: `offsite:riverside-backups`, or the path of a folder.
        config: rclone's configuration, which has the credentials.
        agency: whose backups these are.

    """

    def __init__(self, remote: str, config: Path, *, agency: str) -> None:
        self.remote = remote
        self._config = config
        self._pattern = f"/{agency}-*.backup.age"

    def update(self, backups: Path, destroyed: Collection[str]) -> list[str]:
        """Copy what the place lacks, delete what was destroyed here, and fetch the report of a restore test.

        Args:
            backups: the folder of backups.
            destroyed: names of backups whose term was over.

        Returns:
            The names of the copies that are there now.

        Raises:
            DepartmentError: the place refuses or does not answer, or lacks the newest backup afterward.

        """
        # A file that was changed here is not to replace the copy that was good.
        self._run("copy", "--immutable", "--include", self._pattern, str(backups), self.remote)
        for name in sorted(self.names() & {*destroyed}):
            self._run("deletefile", f"{self.remote.rstrip('/')}/{name}")
        self._run("copy", "--update", "--include", f"/{RESTORE_REPORT}", self.remote, str(backups))
        there = self.names()
        missing = {path.name for path in backups.glob(self._pattern[1:])} - there
        if missing:
            raise DepartmentError(f"{self.remote} lacks {', '.join(sorted(missing))} although it was copied")
        return sorted(there)

    def names(self) -> set[str]:
        """Return the names of the copies. Raises DepartmentError: the place does not answer."""
        return set(self._run("lsf", "--files-only", "--include", self._pattern, self.remote).splitlines())

    def _run(self, *words: str) -> str:
        command = [
            _PROGRAM,
            "--config",
            str(self._config),
            "--retries",
            "2",
            "--low-level-retries",
            "2",
            "--log-level",
            "ERROR",
            *words,
        ]
        try:
            result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
        except FileNotFoundError as error:
            raise DepartmentError(f"{_PROGRAM} is missing; on Debian: sudo apt-get install rclone") from error
        except subprocess.TimeoutExpired as error:
            raise DepartmentError(f"{self.remote} took longer than {_SECONDS // 3600} hours") from error
        if result.returncode:
            lines = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
            raise DepartmentError(f"{self.remote}: {lines[-1]}")
        return result.stdout

"""The second program that checks evidence packages, in JavaScript, written from docs/evidence-format.md alone."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("evidence.mjs")


def by_the_second(
    files: Sequence[Path], trusted: Sequence[Path], open_with: Path | None = None
) -> list[dict[str, Any]]:
    """Return what it says of each package; skips the test where node is missing.

    Args:
        files: packages.
        trusted: PEM of the custodian's key, and of the register's.
        open_with: the recipient's private key, of sealed ones.

    """
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is missing: make tools")
    key = ["--open-with", open_with] if open_with else []
    done = subprocess.run([node, PROGRAM, *trusted, *key, *files], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]

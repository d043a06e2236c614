"""Key pairs of age, as whoever receives a backup or an evidence package makes them."""

import shutil
import subprocess
from pathlib import Path

import pytest


def new_key(file: Path) -> str:
    """Write a private key, and return the public one; without age the test is skipped."""
    if shutil.which("age-keygen") is None:
        pytest.skip("age is missing: make tools")
    subprocess.run(["age-keygen", "-o", file], check=True, capture_output=True)
    return subprocess.run(["age-keygen", "-y", file], check=True, capture_output=True, text=True).stdout.strip()

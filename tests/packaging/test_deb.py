"""What the Debian packages of a post hold."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def shipped(tree: Path) -> set[Path]:
    """Return the Python files that the packages `platepost` and `platepost-service` take, as their script says."""
    script = (ROOT / "packaging" / "deb" / "build").read_text(encoding="utf-8")
    found: set[Path] = set()
    for command in re.findall(r"^(git ls-files -z (?:device|provisioning)\b[^|]*)\|", script, re.MULTILINE):
        names = subprocess.run(["sh", "-c", command], cwd=tree, capture_output=True, check=True).stdout.split(b"\0")
        found |= {Path(name.decode()) for name in names if name.endswith(b".py")}
    return found


def test_a_post_runs_without_what_writes_the_contract(tmp_path: Path) -> None:
    files = shipped(ROOT)
    assert {Path("device/post.py"), Path("device/records/read.py"), Path("provisioning/cli.py")} <= files
    assert not [path for path in files if path.is_relative_to("device/records/contract")]
    for path in files:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    script = (
        "import importlib, pkgutil, sys, device, provisioning\n"
        f"sys.exit('another tree') if {str(tmp_path)!r} not in device.__file__ else None\n"
        "for package in (device, provisioning):\n"
        "    for module in pkgutil.walk_packages(package.__path__, f'{package.__name__}.'):\n"
        "        importlib.import_module(module.name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

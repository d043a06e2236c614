"""The benchmarks that no other test runs can at least be begun: what they import is there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
NAMES = ("delivery", "footage", "frugality", "recognizer", "small_plates")
# One after another in one process: most of what they do here is to import the same.
ASK = """
import contextlib, io, json, runpy, sys, traceback
folder, *names = sys.argv[1:]
told, sys.argv = {}, ["benchmark", "--help"]
sys.path[0] = folder
for name in names:
    code, said = 1, io.StringIO()
    with contextlib.redirect_stdout(said):
        try:
            runpy.run_path(f"{folder}/{name}.py", run_name="__main__")
        except SystemExit as end:
            code = end.code
        except Exception:
            said.write(traceback.format_exc())
    told[name] = code, said.getvalue()
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told() -> dict[str, tuple[int | None, str]]:
    done = subprocess.run([sys.executable, "-c", ASK, FOLDER, *NAMES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_explains_itself(name: str, told: dict[str, tuple[int | None, str]]) -> None:
    code, said = told[name]
    assert (code, "usage:" in said) == (0, True), said

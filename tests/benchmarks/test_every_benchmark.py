"""Each benchmark in its shortest form: what it uses of the product changes, and nothing else would find out."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.memory_disk import new_folder
from tests.thorough import THOROUGH

ROOT = Path(__file__).parents[2]
PICTURES = ROOT.parent / "shared" / "data"
SHORTEST: dict[str, tuple[str, ...]] = {
    "beside": ("{root}", "photo", "--rounds", "1"),
    "camera": ("--frames", "3"),
    "console": ("--consoles", "2", "--rate", "120", "--minutes", "0.1"),
    "custody": ("--records", "500"),
    "delivery": ("--reads", "200", "--rate", "100"),
    "footage": ("{folder}", "--clips", "1", "--condition", "day", "--mph", "25"),
    "frugality": ("--seconds", "2"),
    "hotlist_campaign": ("fuzz", "--count", "20", "--processes", "1"),
    "hotlist_false_positives": ("2000", "--probes", "3000", "--processes", "1"),
    "hotlist_lookup": ("2000", "--reads", "200", "--changes", "50"),
    "hotlist_memory": ("2000", "--look-ups", "2000"),
    "ledger": ("--rounds", "1", "--people", "1"),
    "lists": ("--posts", "2", "--times", "1"),
    "misreads": ("--plates", "20", "--output", "{file}"),
    "outbox_writes": ("--reads", "60"),
    "plate_free": ("{pictures}/train/open_images", "{folder}", "--regions", "5", "--lettering", "2"),
    "portability": ("{folder}", "--reads", "500"),
    "purge": ("{folder}", "--reads", "500"),
    "readers": ("{pictures}/evaluate/us_photos/manifest.json", "--most", "2", "--only", "ours"),
    "recognizer": (),
    "reconnect_storm": ("--posts", "200", "--handshakes", "50"),
    "recording": ("--frames", "3"),
    "search": ("{folder}", "--reads", "2000", "--times", "2"),
    "search_pages": ("{folder}", "--reads", "2000", "--times", "1", "--memory", "128MB"),
    "search_servers": ("{parts}", "--times", "4"),
    "size": ("--reads", "500"),
    "small_plates": ("{pictures}/evaluate/us_photos", "--widths", "40", "44"),
    "streams": ("--seconds", "2"),
}
PARTS = {"frugality_post", "search_data"}
"""What others use, and no benchmark."""


def test_none_is_left_out() -> None:
    assert {path.stem for path in (ROOT / "benchmarks").glob("*.py")} == {*SHORTEST} | PARTS


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the database's user may pass."""
    made = new_folder()
    yield made
    shutil.rmtree(made)


@pytest.mark.skipif(not THOROUGH, reason="PLATEPOST_THOROUGH is missing: make test-thorough")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", SHORTEST)
def test_it_runs_in_its_shortest_form(name: str, folder: Path, tmp_path: Path) -> None:
    if "{pictures}" in " ".join(SHORTEST[name]) and not PICTURES.is_dir():
        pytest.skip("the shared pictures are missing")
    own = {"folder": folder / "work", "parts": folder / "work", "file": tmp_path / "out.json"}
    places = {"root": ROOT, "pictures": PICTURES} | own
    words = [word.format(**places) for word in SHORTEST[name]]
    if name == "search_servers":
        made = run("search", str(own["parts"]), "--reads", "40000", "--times", "1")
        assert made.returncode == 0, made.stderr
        words[:1] = map(str, sorted(places["parts"].glob("reads-*.copy")))
    done = run(name, *words)
    assert done.returncode == 0, done.stdout + done.stderr


def run(name: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, f"benchmarks/{name}.py", *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

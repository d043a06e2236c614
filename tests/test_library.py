"""The public interface, and every Python example of its page and of the README, run as they stand."""

import importlib
import inspect
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from _pytest.mark import ParameterSet
from pytest_mock import MockerFixture

import platepost
from platepost.device.camera.footage.recordings import open_recording
from tests.conformance.cameras import CLIP, PLATE

HOME = Path(__file__).parents[1]
FRAMES = (75, 115, 3)
"""Where in the clip the vehicle is near: enough frames for one read."""


def _examples() -> Iterator[ParameterSet]:
    for page in (HOME / "README.md", HOME / "docs/library.md"):
        for number, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)):
            yield pytest.param(code, id=f"{page.name}-{number}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the examples read: a photo, a folder of photos, a clip."""
    place = tmp_path_factory.mktemp("library")
    pictures = [still.color() for still in islice(open_recording(CLIP).stills(), *FRAMES)]
    (place / "photos").mkdir()
    for name in ("photo.jpg", "photos/photo.jpg"):
        cv2.imwrite(str(place / name), pictures[len(pictures) // 2])
    (place / "photos/broken.jpg").write_bytes(b"no photo")
    height, width = pictures[0].shape[:2]
    clip = cv2.VideoWriter(str(place / "clip.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 25, (width, height))  # noqa: TID251
    for picture in pictures:
        clip.write(picture)
    clip.release()
    return place


@pytest.mark.parametrize("code", list(_examples()))
def test_an_example_reads_the_plate(
    code: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    exec(compile(code, "example", "exec"), {})  # noqa: S102 - our own page
    assert PLATE in capsys.readouterr().out


def test_all_that_is_public_is_named_and_explained() -> None:
    library = importlib.import_module("platepost.library")
    public = {
        name
        for name, value in vars(library).items()
        if not name.startswith("_")
        and not isinstance(value, types.ModuleType)
        and getattr(value, "__module__", "").split(".")[0] == "platepost"
        and name not in {"CameraAddress", "Pipeline", "reads_of"}  # what the two functions are made with
    }
    assert public | {"Box", "__version__"} == set(platepost.__all__)
    assert set(library.__all__) | {"__version__"} == set(platepost.__all__)
    assert list(platepost.__all__) == sorted(platepost.__all__)
    unexplained = [name for name in public if not inspect.getdoc(getattr(platepost, name))]
    assert not unexplained


def test_the_page_on_backends_shows_the_example_as_it_is() -> None:
    (shown,) = re.findall(r"```python\n(.*?)```", (HOME / "docs/backends.md").read_text(encoding="utf-8"), re.DOTALL)
    assert (HOME / "examples/backends/slides.py").read_text(encoding="utf-8").endswith(shown)


def test_an_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    for name in ("platepost.device.camera.footage.camera", "platepost.device.camera.footage.recordings"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(platepost.BackendError, match=r"needs av: pip install -e '.\[clips\]' in a checkout"):
        next(platepost.read_clip(CLIP))


def test_a_clip_is_read_without_the_simulator(folder: Path) -> None:
    script = (
        "import sys\n"
        "for name in ('simulator', 'technician', 'provisioning'): sys.modules[f'platepost.{name}'] = None\n"
        "import platepost\n"
        "print([read.text for read in platepost.read_clip(sys.argv[1])])"
    )
    command = [sys.executable, "-c", script, str(folder / "clip.mp4")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == f"['{PLATE}']"


def test_what_was_read_is_shown_in_one_line(folder: Path) -> None:
    (plate,) = platepost.read_photo(folder / "photo.jpg")
    assert re.fullmatch(rf"<Plate {PLATE} 0\.\d{{3}} at \d+ \d+ \d+ \d+>", repr(plate))
    (read,) = platepost.read_clip(folder / "clip.mp4")
    assert re.fullmatch(rf"<ClipRead {PLATE} 0\.\d{{3}}, 0\.\d-\d\.\d s, approaching>", repr(read))


def test_a_country_without_formats_is_named_with_those_that_have_them() -> None:
    with pytest.raises(platepost.ConfigurationError, match="country 'XX'; known are US, BR, EU"):
        platepost.Recognizer.load(country="XX")  # type: ignore[arg-type]


def test_an_array_that_is_no_picture_of_bytes_is_refused_rather_than_misread(folder: Path) -> None:
    picture = platepost.load_photo(folder / "photo.jpg")
    deep, clear = picture.astype(np.uint16) * 257, np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    for other in (deep, clear, picture / 255, picture[:0], picture[:, :, :1], picture[0, 0]):
        with pytest.raises(platepost.PictureError, match=f"H x W x 3 in BGR, of uint8, and not .* of {other.dtype}"):
            platepost.read_photo(other)  # type: ignore[arg-type]
    assert [plate.text for plate in platepost.read_photo(picture)] == [PLATE]


def test_each_thread_loads_the_networks_once(folder: Path, mocker: MockerFixture) -> None:
    load = mocker.spy(platepost.Recognizer, "load")
    used = mocker.spy(platepost.Recognizer, "recognize_still")

    def read_twice() -> None:
        for _ in range(2):
            (plate,) = platepost.read_photo(folder / "photo.jpg")
            assert plate.text == PLATE

    for _ in range(2):
        with ThreadPoolExecutor(1) as thread:
            thread.submit(read_twice).result(60)
    assert load.call_count == 2
    assert len({id(call.args[0]) for call in used.call_args_list}) == 2, "threads share none"

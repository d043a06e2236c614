import json
import os
import pty
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from platepost.device.commands.read import read
from platepost.device.vision.recognizer import Recognizer
from platepost.device.vision.vehicle import Appearance, VehicleNet
from platepost.models.plates import render_plate
from tests.device.nobody import needs_root, nobody, place_of_nobody

TEXT = "7KDW382"
BRAZIL = ("--country", "br")
PROGRAM = [sys.executable, "-c", "import sys; from platepost.device.cli import main; sys.exit(main())"]


@pytest.fixture(scope="module")
def plate() -> np.ndarray:
    return render_plate(np.random.default_rng(5), text=TEXT, design="california_passenger", height=160).image


@pytest.fixture
def photo(tmp_path: Path, plate: np.ndarray) -> Path:
    """Write a picture of 1280 x 720 with one plate, 150 px wide, on a dark car's boot."""
    picture = np.full((720, 1280, 3), 90, np.uint8)
    cv2.rectangle(picture, (400, 250), (900, 560), (50, 40, 40), -1)
    picture[400:475, 560:710] = cv2.resize(plate, (150, 75), interpolation=cv2.INTER_AREA)
    picture = cv2.GaussianBlur(picture, (0, 0), 0.7)
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), picture)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(read, [str(argument) for argument in arguments])


def test_a_photo_gives_one_line_of_json_with_all_that_is_promised(photo: Path) -> None:
    result = run("--json", photo)
    assert result.exit_code == 0
    (line,) = result.stdout.splitlines()
    told = json.loads(line)
    assert told["image"] == str(photo)
    best = told["plates"][0]
    assert best["text"] == TEXT
    left, top, right, bottom = best["box"]
    assert abs(left - 560) < 10
    assert abs(right - 710) < 10
    assert abs(top - 400) < 10
    assert abs(bottom - 475) < 10
    assert len(best["corners"]) == 4
    assert "".join(character["character"] for character in best["characters"]) == TEXT
    assert all(0 < character["confidence"] <= 1 for character in best["characters"])
    assert (best["region"], best["region_confidence"] is None) in {("US-CA", False), ("other", False), (None, True)}
    assert best["vehicle"] is None, "there is no vehicle to tell"
    assert set(told["milliseconds"]) == {"decode", "detect", "read", "total"}
    assert told["milliseconds"]["total"] >= told["milliseconds"]["detect"] > 0


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (Appearance("car", ("white", "gray"), "rear"), {"kind": "car", "colors": ["white", "gray"]}),
        (Appearance(colors=("red",)), {"kind": None, "colors": ["red"]}),
        (Appearance(side="front"), None),
    ],
)
def test_of_the_vehicle_only_what_the_network_says_is_told(
    photo: Path, monkeypatch: pytest.MonkeyPatch, seen: Appearance, told: dict[str, object] | None
) -> None:
    monkeypatch.setattr(VehicleNet, "observe", lambda *_: seen)
    result = json.loads(run("--json", photo).stdout)
    assert result["plates"][0]["vehicle"] == told


def test_a_crop_is_read_whole(tmp_path: Path, plate: np.ndarray) -> None:
    path = tmp_path / "crop.png"
    cv2.imwrite(str(path), plate)
    told = json.loads(run("--json", "--crop", path).stdout)
    assert told["plates"][0]["text"] == TEXT
    assert told["plates"][0]["box"] == [0, 0, plate.shape[1], plate.shape[0]]


def test_the_country_decides_between_o_and_0(tmp_path: Path) -> None:
    plate = render_plate(np.random.default_rng(5), text="ABO1020", design="california_passenger", height=160).image
    path = tmp_path / "crop.png"
    cv2.imwrite(str(path), plate)
    texts = [json.loads(run("--json", "--crop", *words, path).stdout)["plates"][0]["text"] for words in ((), BRAZIL)]
    assert texts == ["AB01020", "ABO1020"]


@pytest.mark.parametrize("content", [b"", b"no picture at all", None], ids=["empty", "text", "missing"])
def test_an_unreadable_file_is_named_and_the_rest_go_on(photo: Path, content: bytes | None) -> None:
    broken = photo.with_name("broken.jpg")
    if content is not None:
        broken.write_bytes(content)
    result = run("--json", broken, photo)
    assert result.exit_code == 1
    assert "broken.jpg" in result.stderr
    assert json.loads(result.stdout)["image"] == str(photo)


def png_of(width: int, height: int) -> bytes:
    """A picture whose header promises so many pixels, and that has none."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100)))


@pytest.mark.parametrize("side", [60_000, 20_000])
def test_a_picture_of_too_many_pixels_is_named_and_the_rest_go_on(photo: Path, side: int) -> None:
    huge = photo.with_name("huge.png")
    huge.write_bytes(png_of(side, side))
    # A process of its own: OpenCV learns its limit when it is loaded, which the tests' own was before.
    done = subprocess.run([*PROGRAM, "read", "--json", huge, photo], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{huge}: too many pixels" in done.stderr
    assert json.loads(done.stdout)["image"] == str(photo)


def test_a_chunk_longer_than_its_file_is_not_decoded(photo: Path) -> None:
    crafted = photo.with_name("crafted.png")
    header, data = png_of(4, 4).split(b"IDAT", 1)
    crafted.write_bytes(header[:-4] + struct.pack(">I", 2**31 - 1) + b"IDAT" + data)
    result = run("--json", crafted, photo)
    assert result.exit_code == 1
    assert f"{crafted}: cut off or damaged" in result.stderr
    assert json.loads(result.stdout)["image"] == str(photo)


@pytest.mark.parametrize("size", [(1, 1), (2, 3000), (3000, 2), (1, 2000)])
def test_a_strip_is_a_picture_too(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "strip.png"
    cv2.imwrite(str(path), np.zeros((size[1], size[0], 3), np.uint8))
    for words in ((), ("--crop",)):
        result = run("--json", *words, path)
        assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize("name", ["x[bold].png", "a[/y].png"])
def test_the_table_shows_a_path_as_it_is(photo: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    path = photo.parent / name
    path.parent.mkdir(exist_ok=True)  # of what stands before the name's slash
    path.write_bytes(photo.read_bytes())
    empty = path.with_name(f"empty-{path.name}")
    cv2.imwrite(str(empty), np.zeros((90, 90, 3), np.uint8))
    result = run(path, empty)
    assert result.exit_code == 0
    assert str(path) in result.stdout
    assert str(empty) in result.stdout


def test_a_folder_is_searched_for_pictures_only(photo: Path) -> None:
    photo.with_name("notes.txt").write_text("not a picture")
    result = run("--json", photo.parent)
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1


def test_drawn_pictures_show_the_plate(photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "drawn"
    assert run("--draw", folder, photo).exit_code == 0
    (drawn,) = folder.iterdir()
    before, after = cv2.imread(str(photo)), cv2.imread(str(drawn))
    assert before.shape == after.shape
    changed = np.abs(before.astype(int) - after.astype(int)).max(axis=2) > 60
    assert changed[350:480, 540:730].any()
    assert not changed[600:].any()


def test_drawn_pictures_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    same = [tmp_path / "a" / "x" / "1.jpg", tmp_path / "b" / "x" / "1.png", tmp_path / "c" / "x" / "1.PNG"]
    for number, path in enumerate(same):
        path.parent.mkdir(parents=True)
        cv2.imwrite(str(path), np.full((90, 160 + number, 3), 100, np.uint8))
    folder = tmp_path / "drawn"
    assert run("--draw", folder, *same).exit_code == 0
    widths = {drawn.name: cv2.imread(str(drawn)).shape[1] for drawn in folder.iterdir()}
    assert widths == {"x-1.jpg": 160, "x-1-2.jpg": 161, "x-1-3.jpg": 162}


def test_a_drawn_picture_that_cannot_be_written_is_named_and_the_rest_go_on(photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "drawn"
    (folder / f"{photo.parent.name}-photo.jpg").mkdir(parents=True)
    other = photo.with_name("other.png")
    other.write_bytes(photo.read_bytes())
    result = run("--json", "--draw", folder, photo, other)
    assert result.exit_code == 1
    assert "-photo.jpg: Is a directory" in result.stderr
    assert [json.loads(line)["image"] for line in result.stdout.splitlines()] == [str(photo), str(other)]
    assert (folder / f"{photo.parent.name}-other.jpg").is_file()


def test_a_folder_without_pictures_is_named_and_the_rest_go_on(photo: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    result = run("--json", empty, photo)
    assert result.exit_code == 1
    assert f"{empty}: no pictures in this folder" in result.stderr
    assert len(result.stdout.splitlines()) == 1


def test_people_get_a_table(photo: Path) -> None:
    result = run(photo)
    assert result.exit_code == 0
    assert TEXT in result.stdout


@pytest.mark.parametrize(("least", "told"), [((), 1), (("--minimum-confidence", "0.9"), 0)], ids=["asked", "limited"])
def test_a_crop_that_hardly_can_be_read_is_told_unless_a_limit_was_asked_for(
    tmp_path: Path, plate: np.ndarray, least: tuple[str, ...], told: int
) -> None:
    path = tmp_path / "blurred.png"
    cv2.imwrite(str(path), cv2.GaussianBlur(plate, (0, 0), 14))
    plates = json.loads(run("--json", "--crop", *least, path).stdout)["plates"]
    assert len(plates) == told
    assert all(found["confidence"] < 0.15 for found in plates), "of a scene it would not be told"


def test_a_name_that_no_disk_takes_is_named_and_the_rest_go_on(photo: Path) -> None:
    result = run("--json", photo, photo.with_name(300 * "a"))
    assert result.exit_code == 1
    assert "aaa: File name too long" in result.stderr
    assert json.loads(result.stdout)["image"] == str(photo)


@pytest.mark.parametrize("words", [(), ("--json",)], ids=["table", "json"])
def test_a_name_in_another_encoding_ends_nothing(
    photo: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    odd = Path(os.fsdecode(os.fsencode(photo.parent) + b"/caf\xe9.png"))
    odd.write_bytes(photo.read_bytes())
    missing = Path(f"{odd}.jpg")
    result = run(*words, odd, photo, missing)
    assert result.exit_code == 1, "for the one that is missing"
    assert "photo.png" in result.stdout
    assert "No such file" in result.stderr
    if words:
        assert [json.loads(line)["image"] for line in result.stdout.splitlines()] == [str(odd), str(photo)]
    else:
        assert "caf\N{REPLACEMENT CHARACTER}.png" in result.stdout


@needs_root
@pytest.mark.parametrize("closed", ["listed only", "neither", "named", "unreadable"])
def test_what_may_not_be_entered_is_named_and_the_rest_go_on(
    photo: Path, closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("--json", photo).exit_code == 0, "all that is loaded lazily is there"
    networks = Recognizer.load()
    monkeypatch.setattr(Recognizer, "load", lambda **_: networks)
    with place_of_nobody() as folder:
        open_, locked = folder / "photo.png", folder / "locked"
        locked.mkdir()
        hidden = locked / "hidden.png"
        for path in (open_, hidden):
            path.write_bytes(photo.read_bytes())
            path.chmod(0o644)
        locked.chmod({"listed only": 0o744, "unreadable": 0o755}.get(closed, 0o700))
        hidden.chmod(0o600 if closed == "unreadable" else 0o644)
        with nobody():
            result = run("--json", *((hidden, open_) if closed in {"named", "unreadable"} else (folder,)))
    assert result.exit_code == 1
    assert f"{locked if closed == 'neither' else hidden}: Permission denied" in result.stderr
    assert json.loads(result.stdout)["image"] == str(open_)


def test_a_pipe_in_a_folder_is_no_picture(photo: Path) -> None:
    os.mkfifo(photo.with_name("pipe.jpg"))
    result = run("--json", photo.parent)
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        pytest.param(b"\0\0\0\x24ftypheic" + bytes(40), "save it as JPEG", id="heic"),
        pytest.param(b"\0\0\0\x24ftypisom" + bytes(40), "simulate replay", id="mp4"),
        pytest.param(b"\x1aE\xdf\xa3" + bytes(40), "simulate replay", id="mkv"),
    ],
)
def test_what_people_take_for_a_picture_comes_with_a_hint(photo: Path, content: bytes, hint: str) -> None:
    other = photo.with_name("other")
    other.write_bytes(content)
    result = run(other)
    assert result.exit_code == 1
    assert hint in result.stderr


def test_a_file_without_an_end_is_not_read_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platepost.device.vision.photos.LARGEST_FILE", 2**20)
    result = run("/dev/zero")
    assert result.exit_code == 1
    assert "larger than 1 MiB" in result.stderr


@pytest.mark.parametrize("columns", [20, 30, 50, 80])
def test_a_narrow_terminal_does_not_shorten_a_plate(photo: Path, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert TEXT in run(photo).stdout


def test_a_plate_at_the_side_is_told_as_cut(photo: Path) -> None:
    picture = cv2.imread(str(photo))
    assert picture is not None
    cv2.imwrite(str(photo), picture[:, 585:])
    assert [plate["cut"] for plate in json.loads(run("--json", photo).stdout)["plates"]] == [True]
    assert "(cut)" in run(photo).stdout


def test_a_terminal_shows_no_notice_of_the_runtime(photo: Path) -> None:
    controlling, terminal = pty.openpty()
    done = subprocess.run([*PROGRAM, "read", photo], stdout=subprocess.PIPE, stderr=terminal, check=True)
    os.set_blocking(controlling, False)
    try:
        said = os.read(controlling, 10_000)
    except BlockingIOError:
        said = b""
    finally:
        os.close(terminal)
        os.close(controlling)
    assert TEXT.encode() in done.stdout
    assert b"INFO" not in said


def test_a_name_that_acts_on_a_terminal_is_shown_and_not_done(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    odd = photo.with_name("a\x1b[2Jb.png")
    odd.write_bytes(photo.read_bytes())
    broken = photo.with_name("\x1b[2J.png")
    broken.write_bytes(b"no picture")
    result = run(odd, broken)
    assert "\x1b" not in result.output
    assert r"a\x1b[2Jb.png" in result.stdout
    assert r"\x1b[2J.png: not a picture" in result.stderr

import json
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from pytest_mock import MockerFixture

from platepost.common.errors import PictureError
from platepost.device.vision.reader import Reading
from platepost.device.vision.recognizer import Milliseconds, Plate, Recognition
from platepost.models.evaluate.cli import evaluate
from platepost.models.evaluate.corrections import Correction, digest_of
from platepost.models.evaluate.manifest import ManifestError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((120, 200, 3), 90, np.uint8))
    images = [{"file": "a.png", "plates": [{"box": [20, 20, 80, 50], "text": "7ABC123"}]}]
    (tmp_path / "manifest.json").write_text(json.dumps({"images": images}))
    return tmp_path


@pytest.fixture
def recognizer(mocker: MockerFixture):  # type: ignore[no-untyped-def] # noqa: ANN201 - a mock
    corners = np.array([[20, 20], [80, 20], [80, 50], [20, 50]], np.float32)
    plate = Plate(Reading(text="7ABC123", confidence=0.9, characters=(), alternatives=()), 0.9, corners)
    fake = mocker.Mock()
    fake.recognize_still.return_value = Recognition((plate,), Milliseconds(detect=5.0, read=2.0, total=7.0))
    fake.recognize_crop.return_value = Recognition((), Milliseconds(detect=0.0, read=2.0, total=2.0))
    mocker.patch("platepost.models.evaluate.cli.Recognizer.load", return_value=fake)
    return fake


def test_json_line_a_manifest(folder: Path, recognizer: object) -> None:
    result = CliRunner().invoke(evaluate, ["--json", str(folder), str(folder / "manifest.json")])
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.output.splitlines()]
    assert [line["manifest"] for line in lines] == [str(folder), str(folder / "manifest.json")]
    assert lines[0]["strict"] == 1
    assert lines[0]["box_recall"] == 1
    assert lines[0]["milliseconds"] == [5, 2, 7]


def test_crops_go_to_the_reader_alone(folder: Path, recognizer) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    result = CliRunner().invoke(evaluate, ["--json", "--crop", str(folder)])
    assert json.loads(result.output)["strict"] == 0
    recognizer.recognize_crop.assert_called_once()
    recognizer.recognize_still.assert_not_called()


def test_table_and_page(folder: Path, recognizer: object) -> None:
    page = folder / "page.html"
    result = CliRunner().invoke(evaluate, ["--page", str(page), str(folder)])
    assert result.exit_code == 0
    assert "100.0%" in result.output
    assert "0 of 1 pictures" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(("shows", "corrected"), [("7ABC123", 1.0), ("7ABC128", 0.0), (None, None)])
def test_figures_are_given_as_labeled_and_as_corrected(
    folder: Path, recognizer: object, mocker: MockerFixture, shows: str | None, corrected: float | None
) -> None:
    images = [{"file": "a.png", "plates": [{"box": [20, 20, 80, 50], "text": "7A8C123"}]}]
    (folder / "manifest.json").write_text(json.dumps({"images": images}))
    picture = (folder / "a.png").read_bytes()
    correction = Correction(None if shows is None else digest_of(picture, shows), "why", "who")
    mocker.patch("platepost.models.evaluate.corrections.corrections").return_value = {
        sha256(picture).hexdigest(): correction
    }
    figures = json.loads(CliRunner().invoke(evaluate, ["--json", str(folder)]).output)
    assert (figures["folded"], figures["corrected"]) == (0.0, corrected)


def test_missing_picture_is_named(folder: Path, recognizer: object) -> None:
    (folder / "a.png").unlink()
    result = CliRunner().invoke(evaluate, [str(folder)])
    assert isinstance(result.exception, PictureError)
    assert "a.png" in str(result.exception)


def test_everything_is_written_to_a_folder(folder: Path, recognizer: object) -> None:
    out = folder / "out" / "here"
    result = CliRunner().invoke(evaluate, ["--write", str(out), str(folder)])
    assert result.exit_code == 0, result.output
    figures = json.loads((out / "figures.json").read_text())[folder.name]
    assert figures["folded"] == 1
    assert figures["reads"][0]["read"] == "7ABC123"
    assert {entry["character"] for entry in figures["by_character"]} == set("7ABC123")
    assert "| best plate right | 100.0% |" in (out / "figures.md").read_text()
    assert (out / "failures.html").exists()


def test_disputed_pictures_are_left_out_and_said_so(folder: Path, recognizer: object) -> None:
    images = json.loads((folder / "manifest.json").read_text())["images"]
    images.append({"file": "b.png", "plates": [{"box": [2, 2, 30, 15], "text": "8XYZ987"}]})
    cv2.imwrite(str(folder / "b.png"), np.full((20, 40, 3), 90, np.uint8))
    (folder / "manifest.json").write_text(json.dumps({"images": images}))
    result = CliRunner().invoke(evaluate, ["--without", "b.png", str(folder)])
    assert "without 1" in " ".join(result.output.split())
    assert "100.0%" in result.output
    unknown = CliRunner().invoke(evaluate, ["--without", "c.png", str(folder)])
    assert isinstance(unknown.exception, ManifestError)


def test_pictures_without_boxes_are_read_whole(folder: Path, recognizer) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    (folder / "manifest.json").write_text(json.dumps({"images": [{"file": "a.png", "text": "7ABC123"}]}))
    CliRunner().invoke(evaluate, [str(folder)])
    recognizer.recognize_crop.assert_called_once()


def test_a_street_without_plates_is_searched_and_what_is_told_counts(folder: Path, recognizer) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    (folder / "manifest.json").write_text(json.dumps({"images": [{"file": "a.png", "plates": []}]}))
    result = CliRunner().invoke(evaluate, ["--json", str(folder)])
    recognizer.recognize_crop.assert_not_called()
    assert json.loads(result.output)["extra"] == 1


def test_a_folder_that_cannot_be_written_is_told_before_the_work(folder: Path, recognizer) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    result = CliRunner().invoke(evaluate, ["--page", str(folder / "a.png" / "page.html"), str(folder)])
    assert result.exit_code == 1
    assert "cannot write" in result.output
    recognizer.recognize_still.assert_not_called()


def another(folder: Path, name: str, files: list[str]) -> Path:
    """Make a further set; of its files only a.png is a picture."""
    further = folder / name
    further.mkdir(parents=True)
    cv2.imwrite(str(further / "a.png"), np.full((120, 200, 3), 90, np.uint8))
    for file in files[1:]:
        (further / file).write_text("no picture")
    images = [{"file": file, "plates": [{"box": [20, 20, 80, 50]}]} for file in files]
    (further / "manifest.json").write_text(json.dumps({"images": images}))
    return further


def test_sets_of_one_name_are_numbered(folder: Path, recognizer: object) -> None:
    first, second = another(folder, "one/street", ["a.png"]), another(folder, "two/street", ["a.png"])
    result = CliRunner().invoke(evaluate, ["--write", str(folder / "out"), str(first), str(second)])
    assert result.exit_code == 0, result.output
    assert set(json.loads((folder / "out" / "figures.json").read_text())) == {"street", "street (2)"}


def test_a_manifest_named_from_within_its_folder_is_called_as_the_folder(
    folder: Path, recognizer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(another(folder, "street", ["a.png"]))
    CliRunner().invoke(evaluate, ["--write", "out", "manifest.json"])
    assert list(json.loads(Path("out", "figures.json").read_text())) == ["street"]


def test_a_name_to_leave_out_that_no_set_has_is_refused(folder: Path, recognizer: object) -> None:
    further = another(folder, "street", ["a.png"])
    result = CliRunner().invoke(evaluate, ["--without", "typo.png", str(folder), str(further)])
    assert isinstance(result.exception, ManifestError)
    assert "typo.png" in str(result.exception)


def test_boxes_without_texts_are_written_without_a_diagram(folder: Path, recognizer: object) -> None:
    out = folder / "out"
    result = CliRunner().invoke(evaluate, ["--write", str(out), str(another(folder, "street", ["a.png"]))])
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == {"figures.json", "figures.md", "failures.html"}


def test_what_was_seen_before_a_bad_picture_is_written(folder: Path, recognizer: object) -> None:
    out, further = folder / "out", another(folder, "street", ["a.png", "b.png"])
    result = CliRunner().invoke(evaluate, ["--write", str(out), str(folder), str(further)])
    assert isinstance(result.exception, PictureError)
    assert "100.0%" in result.output
    assert set(json.loads((out / "figures.json").read_text())) == {folder.name, "street, first 1 of 2"}


def test_json_says_of_a_set_that_broke_off_how_far_it_came(folder: Path, recognizer: object) -> None:
    result = CliRunner().invoke(evaluate, ["--json", str(folder), str(another(folder, "street", ["a.png", "b.png"]))])
    assert isinstance(result.exception, PictureError)
    lines = [json.loads(line) for line in result.output.splitlines()]
    assert [(line["pictures"], line["of"]) for line in lines] == [(1, 1), (1, 2)]


def test_an_earlier_diagram_does_not_stay_beside_other_figures(folder: Path, recognizer: object) -> None:
    out = folder / "out"
    out.mkdir()
    (out / "reliability.png").write_bytes(b"of another evaluation")
    result = CliRunner().invoke(evaluate, ["--write", str(out), str(another(folder, "street", ["a.png"]))])
    assert result.exit_code == 0, result.output
    assert not (out / "reliability.png").exists()


def test_all_pictures_of_a_name_that_is_left_out_are_counted(folder: Path, recognizer: object) -> None:
    further = another(folder, "street", ["a.png"])
    images = [{"file": file, "plates": []} for file in ("a.png", "day/b.png", "night/b.png")]
    (further / "manifest.json").write_text(json.dumps({"images": images}))
    CliRunner().invoke(evaluate, ["--without", "b.png", "--write", str(folder / "out"), str(further)])
    assert list(json.loads((folder / "out" / "figures.json").read_text())) == ["street without 2"]


def test_ctrl_c_loses_nothing(folder: Path, recognizer) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    seen = recognizer.recognize_still.return_value
    recognizer.recognize_still.side_effect = [seen, KeyboardInterrupt]
    further = another(folder, "street", ["a.png"])
    result = CliRunner().invoke(evaluate, ["--write", str(folder / "out"), str(folder), str(further)])
    assert result.exit_code == 1
    assert list(json.loads((folder / "out" / "figures.json").read_text())) == [folder.name]


def test_a_missing_picture_of_any_set_is_named_before_work_begins(folder: Path, recognizer) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    further = another(folder, "street", ["a.png"])
    (further / "a.png").unlink()
    result = CliRunner().invoke(evaluate, [str(folder), str(further)])
    assert isinstance(result.exception, PictureError)
    recognizer.recognize_still.assert_not_called()

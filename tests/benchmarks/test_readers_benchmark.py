import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from platepost.models.evaluate.manifest import Dataset, LabelledPicture, TruePlate

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize(
    ("pictures", "most", "taken"),
    [
        (3, None, [0, 1, 2]),
        (199, 100, [place * 199 // 100 for place in range(100)]),
        (10, 3, [0, 3, 6]),
        (2, 9, [0, 1]),
    ],
)
def test_pictures_are_evenly_spread(
    pictures: int, most: int | None, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    crops = tuple(LabelledPicture(Path(str(number)), (TruePlate("A1", None),)) for number in range(pictures))
    chosen = importlib.import_module("readers").with_texts(Dataset("", Path(), crops), most=most)
    assert [int(picture.path.name) for picture in chosen] == taken


def test_pictures_without_a_text_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    known = LabelledPicture(Path("a"), (TruePlate(None, (0, 0, 9, 4)), TruePlate("A1", (9, 0, 18, 4))))
    pictures = (LabelledPicture(Path("b"), ()), known, LabelledPicture(Path("c"), (TruePlate(None, (0, 0, 9, 4)),)))
    with_texts = importlib.import_module("readers").with_texts
    assert with_texts(Dataset("", Path(), pictures), most=None) == [known]
    with pytest.raises(SystemExit, match="no picture has a text"):
        with_texts(Dataset("", Path("m"), pictures[:1]), most=None)


ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_"


class Session:
    """Stands in for onnxruntime's: says the same text of any picture, and keeps what it was given."""

    def __init__(self, text: str, *, channels: int = 1, flat: bool = False, kind: str = "tensor(uint8)") -> None:
        self.shape = [None, 64, 128, channels]
        self.kind = kind
        self.given: np.ndarray | None = None
        shares = np.full((1, len(text), len(ALPHABET)), 0.1 / 36, np.float32)
        for slot, character in enumerate(text):
            shares[0, slot, ALPHABET.index(character)] = 0.9
        self.said = shares.reshape(1, -1) if flat else shares

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="input", shape=self.shape, type=self.kind)]

    def run(self, outputs: None, values: dict[str, np.ndarray]) -> list[np.ndarray]:
        self.given = values["input"]
        return [np.zeros((1, 66), np.float32), self.said]


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("readers")


@pytest.mark.parametrize("flat", [False, True])
def test_a_reader_of_slots_says_its_text_without_padding(readers: Any, flat: bool) -> None:  # noqa: FBT001
    session = Session("7ABC12O___", flat=flat)
    text, share = readers.OnnxReader(session, {}).read(np.full((40, 100, 3), 90, np.uint8))
    assert text == "7ABC12O"
    assert share == pytest.approx(0.9**10, rel=1e-3)
    assert session.given is not None
    assert session.given.shape == (1, 64, 128, 1)
    assert session.given.dtype == np.dtype(np.uint8)


def test_its_plate_configuration_is_followed(readers: Any) -> None:
    session = Session("AB12__", channels=3)
    blue = np.zeros((64, 64, 3), np.uint8)
    blue[:, :, 0] = 200
    reader = readers.OnnxReader(session, {"keep_aspect_ratio": True, "image_padding_color": [1, 2, 3], "pad_char": "2"})
    assert reader.read(blue)[0] == "AB1__"
    assert session.given is not None
    assert session.given[0, 30, 64].tolist() == [0, 0, 200], "RGB"
    assert session.given[0, 30, 5].tolist() == [1, 2, 3]


def test_a_file_of_another_kind_is_refused(readers: Any) -> None:
    with pytest.raises(SystemExit, match="expected uint8"):
        readers.OnnxReader(Session("A", kind="tensor(float)"), {})


def test_spelling_counts_only_where_the_truth_has_neither_o_nor_0(readers: Any, tmp_path: Path) -> None:
    path = tmp_path / "plate.png"
    cv2.imwrite(str(path), np.zeros((20, 40, 3), np.uint8))
    pictures = [LabelledPicture(path, (TruePlate(text, None),)) for text in ("A1B", "A0B", "C1D")]
    told = iter(["AIB", "AOB", "C1D"])
    _, best, strictly, _, _ = readers.measure(lambda _, *, crop: [next(told)], pictures, "test")  # noqa: ARG005
    assert (best, strictly) == ("100.0%", "50.0% of 2")

import importlib
from pathlib import Path

import pytest

from models.evaluate.manifest import Dataset, LabelledPicture, TruePlate

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

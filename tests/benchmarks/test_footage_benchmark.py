"""What `benchmarks/footage.py` takes for a late hit."""

from collections.abc import Callable

import pytest

from benchmarks.footage import Watched
from platepost.device.vision.reader import Reading
from platepost.device.vision.settings import PassageSettings, VisionSettings
from tests.device.vision.conftest import reading
from tests.device.vision.test_pipeline import Street

__all__ = ["reading"]
Looks = list[tuple[str, float]]


@pytest.mark.parametrize(
    ("looks", "waited"),
    [
        ([("7ABC123", 0.99)] * 5, 0),
        ([("7ABC123", 0.9)] * 5, 1),
        ([("7ABC123", 0.75), *[("7ABC123", 0.9)] * 4], 1),
        # Guesses from far away that happen to be right bear nothing out.
        ([*[("7ABC123", 0.2)] * 6, *[("7ABC123", 0.99)] * 4], 0),
        # Looks that contradict it make it late; the hit of another text that went out before is not its own.
        ([*[("7A8C123", 0.9)] * 3, *[("7ABC123", 0.9)] * 12], 10),
        ([("7ABC123", 0.4)] * 3, None),
    ],
)
def test_a_hit_waits_from_the_first_look_that_bears_it_out(
    reading: Callable[..., Reading], looks: Looks, waited: int | None
) -> None:
    street = Street(reading)
    street.pipeline = watched = Watched(street.pipeline.recognizer)  # type: ignore[arg-type]
    watched.adjust(VisionSettings(motion_area=0), PassageSettings())
    for text, confidence in looks:
        street.show(text, confidence=confidence)
    (passage,) = watched.passages
    assert watched.waited(passage) == waited

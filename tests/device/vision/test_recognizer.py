import importlib.util
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from pytest_mock import MockerFixture

from platepost.common.errors import BackendError, ModelError
from platepost.device.vision.ctc import ALPHABET, Hypothesis
from platepost.device.vision.detector import Detection
from platepost.device.vision.geometry import intersection_over_union
from platepost.device.vision.interpreter import Network
from platepost.device.vision.modelfiles import shipped
from platepost.device.vision.reader import Observation, stretched
from platepost.device.vision.recognizer import LEGIBLE, Recognizer
from platepost.device.vision.region import CALIFORNIA, Evidence, Impression
from platepost.models.plates import render_plate

TEXTS = ("7KDW382", "8FRT914", "6HNX205")

EVIDENCE = Evidence(offset=-2.17, by_score=6.37, by_look=0.89)


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load()


class Told(Recognizer):
    """The networks of another recognizer, with the answers of some of them given.

    Args:
        networks: of which all else is.
        found: what the detector finds in any picture.
        observed: what the reader sees in any plate, by the plate.
        issued: what is said of a plate's issuer and of whether it is a plate, by its text.

    """

    def __init__(
        self,
        networks: Recognizer,
        *,
        found: Sequence[Detection] | None = None,
        observed: Callable[[np.ndarray], Observation] | None = None,
        issued: Callable[[str], Impression] | None = None,
        minimum_confidence: float = LEGIBLE,
    ) -> None:
        detector, reader = copy(networks.detector), copy(networks.reader)
        if found is not None:
            detector.detect = lambda *_, **__: [*found]  # type: ignore[method-assign]
        if observed is not None:
            reader.observe = observed  # type: ignore[method-assign]
        super().__init__(
            detector,
            reader,
            region=networks.region,
            vehicle=networks.vehicle,
            minimum_confidence=minimum_confidence,
        )
        self._issued_as = issued

    def impression(self, plates: Sequence[np.ndarray], text: str) -> Impression:
        return super().impression(plates, text) if self._issued_as is None else self._issued_as(text)


def street(*, height: int = 720, width: int = 1280) -> np.ndarray:
    """Paint three dark cars side by side, each with a plate, on a gray road."""
    picture = np.full((720, 1280, 3), 110, np.uint8)
    for number, text in enumerate(TEXTS):
        left = 60 + 420 * number
        cv2.rectangle(picture, (left, 200), (left + 320, 560), (60, 45, 40), -1)
        plate = render_plate(np.random.default_rng(number), text=text, design="california_passenger", height=160).image
        picture[400:465, left + 95 : left + 225] = cv2.resize(plate, (130, 65), interpolation=cv2.INTER_AREA)
    picture = cv2.GaussianBlur(picture, (0, 0), 0.7)
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def test_several_plates_are_found_and_read(recognizer: Recognizer) -> None:
    found = recognizer.recognize(street())
    assert {plate.text for plate in found.plates if plate.reading.confidence > 0.3} == set(TEXTS)


def test_a_plate_cut_by_a_side_is_no_text_of_a_still_that_has_whole_ones(recognizer: Recognizer) -> None:
    cut = np.ascontiguousarray(street()[:, 175:])  # the first plate begins 20 pixels left of it
    told = {plate.text for plate in recognizer.recognize_still(cut).plates}
    assert told == set(TEXTS[1:])
    left_over = {plate.text for plate in recognizer.recognize(cut).plates} - told
    assert left_over, "found all the same, for redaction and aiming"


def test_a_plate_cut_by_a_side_is_told_where_there_is_no_other(recognizer: Recognizer) -> None:
    alone = np.ascontiguousarray(street()[:, 175:480])
    assert [plate.text for plate in recognizer.recognize_still(alone).plates] == [
        plate.text for plate in recognizer.recognize(alone).plates
    ]
    assert recognizer.recognize_still(alone).plates


def test_lettering_is_no_text_of_a_still_that_has_plates(recognizer: Recognizer) -> None:
    looks = {TEXTS[0]: -9.0, TEXTS[1]: 5.0, TEXTS[2]: 5.0}
    recognizer = Told(
        recognizer,
        issued=lambda text: Impression(plate=looks[text], evidence=EVIDENCE),
        minimum_confidence=0.001,
    )
    assert {plate.text for plate in recognizer.recognize_still(street()).plates} == set(TEXTS[1:])
    looks.update(dict.fromkeys(TEXTS, -9.0))
    assert {plate.text for plate in recognizer.recognize_still(street()).plates} == set(TEXTS), "else nothing is told"


def test_with_no_least_confidence_a_still_has_all_that_was_found() -> None:
    cut = np.ascontiguousarray(street()[:, 175:])
    anything = Recognizer.load(minimum_confidence=0.0)
    assert len(anything.recognize_still(cut).plates) == len(anything.recognize(cut).plates)


def test_corners_are_those_of_the_full_size_frame(recognizer: Recognizer) -> None:
    large = cv2.resize(street(), (1920, 1080), interpolation=cv2.INTER_CUBIC)
    found = {plate.text: plate.box for plate in recognizer.recognize(large).plates}
    # A frame of another size shifts or scales a box that was mapped back wrongly by half of itself.
    assert intersection_over_union(found[TEXTS[0]], (155 * 1.5, 400 * 1.5, 285 * 1.5, 465 * 1.5)) > 0.75


@pytest.mark.parametrize(
    ("sure", "lost", "looks"), [(1.1, 0.0, 2), (0.0, 0.0, 1), (1.1, 1.1, 1)], ids=["in doubt", "sure", "hopeless"]
)
def test_plates_are_read_by_their_corners_and_where_that_is_in_doubt_by_the_box_around_them(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch, sure: float, lost: float, looks: int
) -> None:
    seen: list[np.ndarray] = []
    observe = recognizer.reader.observe

    def noted(plate: np.ndarray) -> Observation:
        seen.append(plate)
        return observe(plate)

    recognizer = Told(recognizer, observed=noted)
    monkeypatch.setattr("platepost.device.vision.recognizer.SURE", sure)
    monkeypatch.setattr("platepost.device.vision.recognizer.LOST", lost)
    monkeypatch.setattr("platepost.device.vision.recognizer.in_doubt", lambda _observations: False)
    turned = cv2.warpAffine(street(), cv2.getRotationMatrix2D((640, 360), 6, 1), (1280, 720))
    found = recognizer.recognize(turned).plates
    assert {plate.text for plate in found if plate.reading.confidence > 0.3} == set(TEXTS)
    assert len(seen) == looks * len(TEXTS)
    if looks == 2:
        pairs = zip(seen[::2], seen[1::2], strict=True)
        assert all(np.abs(one.astype(int) - other).mean() > 3 for one, other in pairs)


@pytest.mark.parametrize(("surest", "told"), [(0.3, 3), (0.9, 1)], ids=["none is sure", "one is sure"])
def test_only_where_no_plate_is_read_are_faint_ones_looked_at_from_nearer(
    recognizer: Recognizer, surest: float, told: int
) -> None:
    first, *others = recognizer.detector.detect(cv2.cvtColor(street(), cv2.COLOR_BGR2GRAY))
    seen = [replace(first, score=surest), *(replace(other, score=0.3) for other in others)]
    assert len(Told(recognizer, found=seen).recognize(street()).plates) == told


def test_what_is_hardly_a_plate_is_told_with_doubt(recognizer: Recognizer) -> None:
    first = recognizer.detector.detect(cv2.cvtColor(street(), cv2.COLOR_BGR2GRAY))[0]
    found = []
    for score in (0.95, 0.57, 0.41):
        told = Told(
            recognizer,
            found=[replace(first, score=score)],
            issued=lambda _: Impression(),  # as a post without the file
            minimum_confidence=0.5,  # by the text alone: redaction asks for no more
        )
        (plate,) = told.recognize(street()).plates
        found.append(plate.reading)
    assert len({reading.text for reading in found}) == 1
    plain, doubtful, lettering = (reading.confidence for reading in found)
    assert doubtful == pytest.approx(0.745 * plain, abs=0.01)
    assert lettering == pytest.approx(0.2 * plain, abs=0.01)
    assert all(sum(o.probability for o in reading.alternatives) <= 1 - reading.confidence for reading in found)


def test_what_looks_like_lettering_is_told_with_doubt(recognizer: Recognizer) -> None:
    (first, *_) = recognizer.recognize(street()).plates
    assert first.look is not None
    assert first.look > 3
    told = []
    for look in (6.0, -4.0, -9.0):
        impression = Impression(plate=look, evidence=EVIDENCE)
        given = Told(recognizer, issued=lambda _, given=impression: given)  # type: ignore[misc]
        told.append(given.recognize(street()).plates[0].confidence)
    assert told[0] > 0.9
    assert told == sorted(told, reverse=True)
    assert told[2] < 0.1, "and yet told: a still's text goes by itself"


def test_the_plate_from_nearby_comes_first(recognizer: Recognizer) -> None:
    picture = street()
    nearby = cv2.resize(picture[350:520, 60:380], None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    picture[300:640, 30:670] = nearby
    found = recognizer.detector.detect(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
    large = max(found, key=lambda detection: detection.box[2] - detection.box[0])
    scored = [replace(detection, score=0.6 if detection is large else 0.95) for detection in found]
    first, *others = Told(recognizer, found=scored).recognize(picture).plates
    assert first.text == TEXTS[0]
    assert others


@pytest.mark.parametrize(
    ("issuer", "texts", "told"),
    [
        ("US-CA", ("7QBC234", "7DBC234"), "7DBC234"),
        (None, ("7QBC234", "7DBC234"), "7QBC234"),
        ("US-FL", ("N48BCY", "N488CY"), "N488CY"),
        ("US-NJ", ("N48BCY", "N488CY"), "N48BCY"),
        (None, ("N48BCY", "N488CY"), "N48BCY"),
    ],
)
def test_formats_of_a_state_speak_for_texts_on_its_plates_alone(
    recognizer: Recognizer, issuer: str | None, texts: tuple[str, str], told: str
) -> None:
    columns = np.zeros((40, len(ALPHABET) + 1), np.float32)
    seen = Observation(columns, (Hypothesis(texts[0], 0.5), Hypothesis(texts[1], 0.4)))
    states = ((issuer, 0.9),) if issuer else ()
    recognizer = Told(recognizer, observed=lambda _: seen, issued=lambda _: Impression(plate=5.0, states=states))
    assert recognizer.recognize_crop(np.full((60, 120), 127, np.uint8)).plates[0].text == told
    assert {plate.text for plate in recognizer.recognize(street()).plates} == {told}


def test_gray_and_color_give_the_same(recognizer: Recognizer) -> None:
    picture = street()
    gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    assert [p.text for p in recognizer.recognize(picture).plates] == [p.text for p in recognizer.recognize(gray).plates]


def test_nothing_is_found_where_nothing_is(recognizer: Recognizer) -> None:
    assert recognizer.recognize(np.full((720, 1280), 127, np.uint8)).plates == ()


@pytest.mark.parametrize("shape", [(40, 60), (360, 640), (1080, 1920), (900, 500)])
def test_frames_of_any_shape_are_taken(recognizer: Recognizer, shape: tuple[int, int]) -> None:
    recognizer.recognize(np.random.default_rng(1).integers(0, 255, shape, np.uint8))


def leaning_crop(text: str, seed: int, degrees: float = 23) -> np.ndarray:
    """Cut a plate that leans out of a car's boot by an upright box."""
    boot = np.full((220, 300, 3), (60, 45, 40), np.uint8)
    plate = render_plate(np.random.default_rng(seed), text=text, design="california_passenger", height=160).image
    boot[70:150, 70:230] = cv2.resize(plate, (160, 80), interpolation=cv2.INTER_AREA)
    turn = cv2.getRotationMatrix2D((150, 110), degrees, 1)
    boot = cv2.warpAffine(boot, turn, (300, 220), borderMode=cv2.BORDER_REPLICATE)
    return cv2.GaussianBlur(boot[22:198, 55:245], (0, 0), 0.8)


def test_leaning_plates_in_crops_are_read_by_their_corners(recognizer: Recognizer) -> None:
    texts = (*TEXTS, "5PLV731", "4ZMC863")
    crops = [leaning_crop(text, seed) for seed, text in enumerate(texts)]
    found = [recognizer.recognize_crop(crop).plates[0].text for crop in crops]
    grays = [stretched(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)) for crop in crops]
    whole = [recognizer.reader.read_rectified(gray, again=True).text for gray in grays]
    right, right_whole = (sum(map(str.__eq__, told, texts)) for told in (found, whole))
    assert right >= 4, found
    assert right >= right_whole + 2, whole


@pytest.mark.parametrize("degrees", [30, -30, 45, -45])
def test_plates_in_crops_are_read_however_they_lean(recognizer: Recognizer, degrees: float) -> None:
    crops = {text: leaning_crop(text, seed, degrees) for seed, text in enumerate(TEXTS)}
    plates = {text: recognizer.recognize_crop(crop).plates[0] for text, crop in crops.items()}
    read = [plate for text, plate in plates.items() if plate.text == text]
    assert len(read) >= 2, plates
    assert any(plate.issuer is not None and plate.issuer.region == CALIFORNIA for plate in read), "as seen upright"


def test_a_sure_crop_is_not_searched_turned(recognizer: Recognizer, mocker: MockerFixture) -> None:
    search = mocker.patch("platepost.device.vision.recognizer.leaning", return_value=[])
    plate = render_plate(np.random.default_rng(3), text=TEXTS[0], design="california_passenger", height=64).image
    assert recognizer.recognize_crop(plate).plates[0].text == TEXTS[0]
    search.assert_not_called()
    assert recognizer.recognize_crop(np.full((60, 120), 127, np.uint8)).plates == ()
    search.assert_called_once()


def test_blur_lowers_confidence(recognizer: Recognizer) -> None:
    plate = render_plate(np.random.default_rng(3), text=TEXTS[0], design="california_passenger", height=64).image
    confidences = [
        recognizer.recognize_crop(cv2.GaussianBlur(plate, (0, 0), sigma)).plates[0].reading.confidence
        for sigma in (0.6, 3.0, 4.5)
    ]
    assert confidences[0] > 0.9
    assert confidences[0] > confidences[2]


@pytest.mark.skipif(
    importlib.util.find_spec("ai_edge_litert") is None, reason="tflite-runtime 2.14 itself crashes on a truncated file"
)
def test_a_damaged_model_is_named(tmp_path: Path) -> None:
    damaged = tmp_path / "reader.tflite"
    damaged.write_bytes(shipped("reader.tflite").read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"reader\.tflite"):
        Network(damaged)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        Network(tmp_path / "gone.tflite")
    with pytest.raises(ModelError, match="not part of this installation"):
        shipped("gone.tflite")


def test_a_model_of_another_shape_is_refused() -> None:
    with pytest.raises(ModelError, match="expected"):
        Recognizer.load(detector=shipped("reader.tflite"))


def test_a_missing_runtime_says_what_to_install() -> None:
    with pytest.raises(BackendError, match="pip install ai-edge-litert"):
        Network(shipped("reader.tflite"), runtime="no_such_runtime.interpreter")


@pytest.mark.parametrize("size", [(640, 360), (480, 270), (1280, 720)], ids=["exact", "smaller", "too large"])
def test_the_picture_that_the_camera_shrank_finds_the_same_plates(
    recognizer: Recognizer, size: tuple[int, int]
) -> None:
    gray = cv2.cvtColor(street(), cv2.COLOR_BGR2GRAY)
    small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    plain = sorted(recognizer.detector.detect(gray), key=lambda found: found.box)
    by_small = sorted(recognizer.detector.detect(gray, small), key=lambda found: found.box)
    assert len(plain) == len(by_small) == len(TEXTS)
    for one, other in zip(plain, by_small, strict=True):
        assert intersection_over_union(one.box, other.box) > 0.8

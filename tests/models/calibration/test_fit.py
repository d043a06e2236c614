import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_mock import MockerFixture

from platepost.device.vision.calibration import Calibration
from platepost.device.vision.reader import Reading
from platepost.models.calibration.fit import Trials, degraded, fitted, tried, write
from platepost.models.plates.degrade import READER_SHAPE
from platepost.models.reader.real import RealPlate


def trials(calibration: Calibration, *, count: int = 40_000) -> Trials:
    rng = np.random.default_rng(4)
    claims = rng.beta(2, 0.6, count)
    right = rng.random(count) < [calibration(float(claim)) for claim in claims]
    return Trials(claims, right.astype(np.float64), np.ones(count))


@pytest.mark.parametrize("true", [Calibration(), Calibration(slope=0.6, intercept=-0.4), Calibration(1.4, 0.5)])
def test_what_the_claims_were_worth_is_found_again(true: Calibration) -> None:
    found = fitted(trials(true))
    assert found.slope == pytest.approx(true.slope, abs=0.05)
    assert found.intercept == pytest.approx(true.intercept, abs=0.08)


def test_weights_count() -> None:
    many, few = trials(Calibration(intercept=1), count=5000), trials(Calibration(intercept=-1), count=500)
    heavy = Trials(few.claims, few.right, few.weights * 1000)
    assert fitted(many + few).intercept > 0.5 > -0.5 > fitted(many + heavy).intercept


def test_parted_completely_it_stays_finite() -> None:
    found = fitted(Trials(np.array([0.1, 0.2, 0.9, 0.95]), np.array([0.0, 0, 1, 1]), np.ones(4)))
    assert 1 < found.slope < 100


def test_plates_all_read_right_calibrate_nothing() -> None:
    with pytest.raises(ValueError, match="calibrate nothing"):
        fitted(Trials(np.array([0.5, 0.9]), np.ones(2), np.ones(2)))


@pytest.mark.parametrize("weight", [np.nan, np.inf, -1.0])
def test_weights_that_make_no_calibration_are_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="weights"):
        fitted(Trials(np.array([0.5, 0.9, 0.7]), np.array([0.0, 1, 1]), np.array([1.0, 1.0, weight])))


def test_reads_count_as_right_however_o_and_i_are_spelled(mocker: MockerFixture) -> None:
    reader: Any = mocker.Mock(calibration=Calibration())
    reader.read_rectified.side_effect = [Reading("7AB01", 0.9, (), ()), Reading("8X", 0.4, (), ())]
    picture = np.zeros((64, 160), np.uint8)
    found = tried(reader, [(picture, "7ABOI"), (picture, "8Y")], weight=3)
    assert found.claims.tolist() == [0.9, 0.4]
    assert found.right.tolist() == [1, 0]
    assert found.weights.tolist() == [3, 3]


def test_a_calibrated_reader_is_refused(mocker: MockerFixture) -> None:
    reader: Any = mocker.Mock(calibration=Calibration(slope=2))
    with pytest.raises(ValueError, match="without calibration"):
        tried(reader, [])


def test_what_is_written_is_what_the_device_loads(tmp_path: Path) -> None:
    write(tmp_path / "reader.json", Calibration(0.91234, -0.2), digest="ab", fitted_to=["100 drawn plates"])
    assert Calibration.beside(tmp_path / "reader.tflite", digest="ab") == Calibration(0.9123, -0.2)
    assert json.loads((tmp_path / "reader.json").read_text())["fitted_to"] == ["100 drawn plates"]


def test_each_real_plate_is_made_worse_in_its_own_way_and_the_same_for_a_seed() -> None:
    picture = np.random.default_rng(2).integers(0, 255, (90, 200), np.uint8)
    plates = [RealPlate(picture, (20, 20, 180, 70), text) for text in ("8ABC234", "8ABC235")]
    first, again = (list(degraded(plates, copies=3, seed=5)) for _ in range(2))
    assert [text for _, text in first] == ["8ABC234"] * 3 + ["8ABC235"] * 3
    assert {copy.shape for copy, _ in first} == {READER_SHAPE}
    assert len({copy.tobytes() for copy, _ in first}) == 6
    assert [copy.tobytes() for copy, _ in again] == [copy.tobytes() for copy, _ in first]


def test_very_sure_claims_of_which_a_fifth_is_wrong_are_fitted() -> None:
    rng = np.random.default_rng(0)
    for claims in (1 - 10.0 ** -rng.uniform(3, 8, 1000), np.where(np.arange(1000) % 2, 1 - 1e-7, 0.999)):
        sure = np.argsort(np.argsort(claims, kind="stable")) / 1000
        right = (rng.random(1000) < 0.7 + 0.2 * sure).astype(np.float64)
        found = fitted(Trials(claims, right, np.ones(1000)))
        assert np.mean([found(float(claim)) for claim in claims]) == pytest.approx(right.mean(), abs=0.01)


def test_a_reader_that_is_surer_when_it_is_wrong_is_refused() -> None:
    rng = np.random.default_rng(0)
    claims = rng.uniform(0.2, 0.9, 1000)
    right = (rng.random(1000) < 1 - claims).astype(np.float64)
    with pytest.raises(ValueError, match="surer of what it reads wrong"):
        fitted(Trials(claims, right, np.ones(1000)))

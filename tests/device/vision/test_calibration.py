import json
import shutil
from pathlib import Path

import pytest

from platepost.common.errors import ModelError
from platepost.device.vision.calibration import Calibration, Coefficients
from platepost.device.vision.interpreter import Network
from platepost.device.vision.modelfiles import shipped
from platepost.device.vision.region import Least, RegionNet
from platepost.device.vision.vehicle import Sure, VehicleNet


def write(path: Path, **changes: object) -> Path:
    path.with_suffix(".json").write_text(json.dumps({"reader": "d", "slope": 0.5, "intercept": 0.2} | changes))
    return path


def test_the_plain_one_changes_nothing() -> None:
    assert [Calibration()(claim) for claim in (0.01, 0.5, 0.97)] == pytest.approx([0.01, 0.5, 0.97])


def test_order_is_kept_and_the_ends_stay_probabilities() -> None:
    told = [Calibration(slope=0.5, intercept=0.2)(claim) for claim in (0.0, 0.1, 0.5, 0.9, 1.0)]
    assert told == sorted(told)
    assert told[2] == pytest.approx(0.5498, abs=1e-4)
    assert 0 < told[0] < told[-1] < 1


def test_found_beside_its_reader(tmp_path: Path) -> None:
    path = write(tmp_path / "reader.tflite")
    assert Calibration.beside(path, digest="d") == Calibration(slope=0.5, intercept=0.2)


def test_without_file_nothing_is_scaled(tmp_path: Path) -> None:
    assert Calibration.beside(tmp_path / "other.tflite", digest="d") == Calibration()


def test_numbers_fitted_to_another_network_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"reader\.json was fitted to another network than reader\.tflite"):
        Calibration.beside(write(tmp_path / "reader.tflite"), digest="other")


@pytest.mark.parametrize("name", ["reader", "region", "vehicle"])
def test_every_shipped_network_has_numbers_that_were_fitted_to_it(name: str) -> None:
    path = shipped(f"{name}.tflite")
    assert Coefficients.beside(path, network=name, digest=Network(path).digest) is not None


@pytest.mark.parametrize("name", ["region", "vehicle"])
@pytest.mark.parametrize("damage", ["other", "number", "range"])
def test_a_network_is_not_used_with_numbers_that_are_not_its_own(name: str, damage: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.tflite"
    shutil.copy(shipped(path.name), path)
    values = json.loads(shipped(path.name).with_suffix(".json").read_text())
    first = next(key for key, value in values.items() if isinstance(value, float))
    values |= {"other": {name: "0" * 64}, "number": {first: "much"}, "range": {first: 1.5}}[damage]
    path.with_suffix(".json").write_text(json.dumps(values))
    with pytest.raises(ModelError, match=rf"{name}\.json"):
        {"region": RegionNet, "vehicle": VehicleNet}[name](path)
    path.with_suffix(".json").unlink()
    net = {"region": RegionNet, "vehicle": VehicleNet}[name](path)
    assert (net.least if isinstance(net, RegionNet) else net.sure) in {Least(), Sure()}, "it claims little, then"


@pytest.mark.parametrize("changes", [{"slope": 0}, {"slope": -1}, {"intercept": float("nan")}, {"slope": "steep"}])
def test_numbers_that_make_no_probability_are_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    path = write(tmp_path / "reader.tflite", **changes)
    with pytest.raises(ModelError, match=r"reader\.json"):
        Calibration.beside(path, digest="d")


def test_damage_is_named(tmp_path: Path) -> None:
    (tmp_path / "reader.json").write_text("{")
    with pytest.raises(ModelError, match=r"reader\.json"):
        Calibration.beside(tmp_path / "reader.tflite", digest="d")


def test_the_shipped_calibration_is_of_the_shipped_reader() -> None:
    path = shipped("reader.tflite")
    told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert told["reader"] == Network(path).digest, "another reader.tflite: run platepost models calibrate"

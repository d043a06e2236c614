import json
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra is missing: make .venv/.training")

from platepost.device.vision.interpreter import Network
from platepost.device.vision.modelfiles import shipped
from platepost.models.lettering import data
from platepost.models.lettering.data import Proposals
from platepost.models.lettering.net import LAYERS, TRUNK, Lettering
from platepost.models.lettering.train import RATE, logits_of, train
from platepost.models.region.net import LAYERS as REGION
from platepost.models.trunk import AnswerTraining


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give photos with one plate each, as far as anyone labeled them."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(1)
    images = []
    for number in range(12):
        picture = rng.integers(60, 160, (300, 400, 3), np.uint8)
        cv2.putText(picture, f"ABC{number:03}", (110, 160), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (255, 255, 255), 3)
        cv2.imwrite(str(folder / f"{number}.png"), picture)
        images.append({"file": f"{number}.png", "plates": [{"box": [100, 120, 260, 180]}]})
    (folder / "manifest.json").write_text(json.dumps({"images": images}))
    return folder


def test_a_pool_holds_every_kind_and_is_made_once(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "SCENES", 4)
    monkeypatch.setattr(data, "ROWS", 40)
    data.fill(tmp_path, [photos], shipped("reader.tflite"), scenes=1, direct=2, seed=3)
    made = {path.name: path.read_bytes() for path in tmp_path.glob("*.npz")}
    assert set(made) == {"scenes-000.npz", "direct-000.npz", "direct-001.npz"}
    examples = data.load(tmp_path)
    assert set(examples.kind) >= {"lettering", "drawn", "real"}
    assert examples.plate.shape[1:] == (64, 160)
    assert np.isnan(examples.score).sum() == 80, "a detector pointed at the rest"
    data.fill(tmp_path, [photos], shipped("reader.tflite"), scenes=1, direct=2, seed=3)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.npz")} == made


def examples(count: int = 160) -> Proposals:
    """Give plates that are bright on the left, and lettering that is on the right."""
    rng = np.random.default_rng(1)
    plates = rng.integers(0, 60, (count, 64, 160), np.uint8)
    kinds = np.where(rng.random(count) < 0.5, "real", "lettering")
    plates[kinds == "real", :, :60] += 150
    plates[kinds != "real", :, 100:] += 150
    return Proposals(
        plates, kinds, np.full(count, "ABC123"), np.full(count, 0.9), np.full(count, 0.6), np.arange(count) % 50
    )


def test_one_photo_is_held_out_as_a_whole_and_drawn_ones_never() -> None:
    some = examples()
    assert 0.05 < some.held_out.mean() < 0.3
    assert not set(some.photo[some.held_out]) & set(some.photo[~some.held_out])
    assert not some._replace(photo=np.full(160, -1)).held_out.any()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Proposals, np.ndarray]:
    folder, some = tmp_path_factory.mktemp("trained"), examples()
    trunk = data.trunk_of(shipped("region.tflite"))
    values = data.values(some.plate, trunk)
    train(AnswerTraining(folder=folder, rate=RATE, steps=30, batch=32), some, values, trunk)
    return folder, some, values


def test_training_tells_plates_from_lettering(trained: tuple[Path, Proposals, np.ndarray]) -> None:
    from platepost.models.lettering.net import load  # noqa: PLC0415

    folder, some, values = trained
    assert values.shape[1:] == (8, 20, REGION[TRUNK - 1].filters)
    guesses = logits_of(load(folder / "last.pt"), values, data.trunk_of(shipped("region.tflite")))
    assert guesses[some.plates].min() > guesses[~some.plates].max()


def test_the_second_answer_is_small() -> None:
    assert sum(parameter.numel() for parameter in Lettering().parameters()) <= 90_000
    assert LAYERS[0].stride == (2, 2)


def first_answer(path: Path) -> bytes:
    """Cut the second answer off a .tflite file."""
    import flatbuffers  # noqa: PLC0415
    from tensorflow.lite.python import schema_py_generated as schema  # noqa: PLC0415

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    graph = model.subgraphs[0]
    graph.outputs = graph.outputs[:1]
    places = [place for place, operator in enumerate(graph.operators) if operator.outputs[0] == graph.outputs[0]]
    graph.operators = graph.operators[: places[0] + 1]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_the_file_with_both_answers_says_of_issuers_what_it_said(
    trained: tuple[Path, Proposals, np.ndarray],
) -> None:
    pytest.importorskip("tensorflow", reason="the training extra is missing: make .venv/.training")
    from platepost.models.lettering.net import convert, load  # noqa: PLC0415

    folder, some, _ = trained
    alone = folder / "alone.tflite"
    alone.write_bytes(first_answer(shipped("region.tflite")))
    both = folder / "both.tflite"
    both.write_bytes(convert(load(folder / "last.pt"), alone, some.plate[:60]))
    before, after = Network(alone, reference=True), Network(both, reference=True)
    for plate in some.plate[:4]:
        picture = (plate ^ 0x80).view(np.int8)[None, :, :, None]
        (issuers,), (same, kind) = before.run(picture), after.run(picture)
        assert np.array_equal(issuers, same)
        assert kind.shape == (1, 1, 1, 1)

import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra is missing: make .venv/.training")

from platepost.device.vision.interpreter import Network
from platepost.models.region.convert import calibrate, load
from platepost.models.region.data import Sources, batches
from platepost.models.region.net import FROZEN, SHARED, Region
from platepost.models.region.train import (
    RegionTraining,
    logits,
    train,
    warm_start,
)
from platepost.models.warm_start import convolutions
from platepost.wire.records.regions import REGIONS

SHIPPED = Path(__file__).parents[3] / "models" / "region.tflite"
SHIPPED_READER = Path(__file__).parents[3] / "models" / "reader.tflite"
BRIGHT, DARK = np.full((96, 240), 200, np.uint8), np.full((96, 240), 40, np.uint8)


CALIFORNIA, NEVADA = REGIONS.index("US-CA"), REGIONS.index("US-NV")


@pytest.fixture
def sources() -> Sources:
    """Californian plates are bright and Nevada's dark."""
    drawn = np.stack([BRIGHT, DARK]), np.array([CALIFORNIA, NEVADA])
    return Sources(drawn, {CALIFORNIA: [(BRIGHT, 100.0)] * 12, NEVADA: [(DARK, 100.0)]}, real_share=0.5)


def test_batches_hold_issuers_by_their_shares(sources: Sources) -> None:
    pictures, answers = next(batches(sources, size=200, seed=1))
    assert pictures.shape == (200, 1, 64, 160)
    assert 140 < (answers == CALIFORNIA).sum() < 195, "six of seven"


def test_the_net_gives_a_logit_for_each_issuer_and_is_small() -> None:
    net = Region().eval()
    assert net(torch.zeros(3, 1, 64, 160)).shape == (3, len(REGIONS))
    assert sum(parameter.numel() for parameter in net.parameters()) <= 760_000


def test_training_stops_in_time_and_goes_on_from_its_checkpoint(tmp_path: Path, sources: Sources) -> None:
    checks = {"held_out": (np.zeros((2, 64, 160), np.uint8), np.array([CALIFORNIA, NEVADA]))}
    train(RegionTraining(folder=tmp_path, until=time.time() + 2, batch=8), sources, checks)
    first = torch.load(tmp_path / "last.pt", weights_only=True)
    assert first["step"] > 0
    train(RegionTraining(folder=tmp_path, until=time.time() + 2, batch=8), sources, checks)
    second = torch.load(tmp_path / "last.pt", weights_only=True)
    assert second["step"] > first["step"]
    assert second["trained"] > first["trained"] + 1
    del second["trained"]  # as older files are
    torch.save(second, tmp_path / "last.pt")
    train(RegionTraining(folder=tmp_path, until=time.time(), batch=8), sources, checks)


def test_a_resumed_run_goes_on_with_its_rate(tmp_path: Path, sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    train(RegionTraining(folder=tmp_path, until=time.time() + 3, batch=2), sources, {})
    kept = torch.load(tmp_path / "last.pt", weights_only=True)
    torch.save(kept | {"trained": 3600.0, "step": 50}, tmp_path / "last.pt")
    rates: list[float] = []

    def noted(optimiser: torch.optim.Optimizer, *_: object, **__: object) -> None:
        rates.append(optimiser.param_groups[0]["lr"])
        raise KeyboardInterrupt

    monkeypatch.setattr(torch.optim.AdamW, "step", noted)
    training = RegionTraining(folder=tmp_path, until=time.time() + 3600, batch=2)
    with pytest.raises(KeyboardInterrupt):
        train(training, sources, {})
    assert rates[0] == pytest.approx(training.rate / 2, rel=0.05)


def test_a_resumed_run_sees_other_batches(sources: Sources) -> None:
    first, again, later = (next(batches(sources, size=4, seed=1, step=step))[0] for step in (0, 0, 7))
    assert torch.equal(first, again)
    assert not torch.equal(first, later)


def test_calibration_is_put_into_the_net() -> None:
    torch.manual_seed(2)
    net = Region().eval()
    with torch.no_grad():
        net.head.weight.mul_(200)  # sure of what it cannot know
    pictures = np.random.default_rng(1).integers(0, 255, (60, 64, 160), np.uint8)
    before, answers = logits(net, pictures), np.random.default_rng(2).integers(0, len(REGIONS), 60)
    found = calibrate(net, {"some": (pictures, answers)})
    assert found > 1
    np.testing.assert_allclose(logits(net, pictures), before / found, atol=1e-3)


def test_keras_net_computes_what_torch_does() -> None:
    pytest.importorskip("tensorflow", reason="the training extra is missing: make .venv/.training")
    from platepost.models.region.convert import to_keras  # noqa: PLC0415

    torch.manual_seed(1)
    net = Region()
    with torch.no_grad():
        for _ in range(3):  # statistics other than 0 and 1
            net(torch.rand(8, 1, 64, 160) * 0.6)
    net.eval()
    pictures = np.random.default_rng(1).random((2, 64, 160, 1), np.float32)
    expected = net(torch.from_numpy(pictures.transpose(0, 3, 1, 2))).detach().numpy()
    np.testing.assert_allclose(to_keras(net).predict(pictures, verbose=0), expected, atol=2e-3)


def test_training_begins_with_the_readers_first_layers_and_keeps_them(tmp_path: Path, sources: Sources) -> None:
    train(RegionTraining(folder=tmp_path, steps=3, batch=8, start=SHIPPED_READER), sources, {})
    trained = Region()
    trained.load_state_dict(torch.load(tmp_path / "last.pt", weights_only=True)["net"])
    theirs = [torch.from_numpy(one.kernel) for one in convolutions(SHIPPED_READER)]
    ours = [block[1].weight.detach() for block in trained.blocks]
    assert all(torch.equal(one, other) for one, other in zip(ours[:FROZEN], theirs, strict=False))
    assert all(one.shape == other.shape for one, other in zip(ours[:SHARED], theirs, strict=False))
    assert not torch.equal(ours[FROZEN], theirs[FROZEN])


def test_what_begins_with_a_readers_layers_sees_strokes_as_it_does() -> None:
    net = Region().eval()
    pictures = torch.from_numpy(np.random.default_rng(3).integers(0, 255, (40, 1, 64, 160), np.uint8))
    warm_start(net, SHIPPED_READER, pictures)
    kept = convolutions(SHIPPED_READER)[0]
    expected = torch.nn.functional.conv2d(
        torch.nn.functional.pad(pictures / 255, (0, 1, 0, 1)), torch.tensor(kept.kernel), torch.tensor(kept.bias), 2
    ).relu()
    torch.testing.assert_close(net.eval().blocks[0](pictures / 255), expected, atol=1e-4, rtol=1e-3)


def test_training_goes_on_from_an_earlier_net_of_its_shape_and_keeps_its_first_layers(
    tmp_path: Path, sources: Sources
) -> None:
    train(RegionTraining(folder=tmp_path, steps=3, batch=8, further=SHIPPED), sources, {})
    trained = Region()
    trained.load_state_dict(torch.load(tmp_path / "last.pt", weights_only=True)["net"])
    theirs = [torch.from_numpy(one.kernel) for one in convolutions(SHIPPED)]
    ours = [block[1].weight.detach() for block in trained.blocks]
    assert all(torch.equal(one, other) for one, other in zip(ours[:SHARED], theirs, strict=False))
    assert not torch.equal(ours[SHARED], theirs[SHARED])
    torch.testing.assert_close(ours[SHARED], theirs[SHARED], atol=0.05, rtol=0)


def test_a_net_that_goes_on_answers_as_the_earlier_one_until_it_has_learned(sources: Sources) -> None:
    net, pictures = Region(), next(batches(sources, size=60, seed=2))[0]
    warm_start(net, SHIPPED, pictures, layers=len(net.blocks))
    shipped = Network(SHIPPED, reference=True)
    expected = [
        shipped.outputs[0].real(shipped.run((picture ^ 0x80).view(np.int8)[None, :, :, None])[0])[0]
        for picture in pictures[:10, 0].numpy()
    ]
    np.testing.assert_allclose(logits(net, pictures[:10, 0].numpy()), expected, atol=1.2)


def test_another_first_answer_leaves_the_second_to_the_bit(tmp_path: Path, sources: Sources) -> None:
    pytest.importorskip("tensorflow", reason="the training extra is missing: make .venv/.training")
    from platepost.models.graft import exchanged  # noqa: PLC0415
    from platepost.models.region.convert import convert  # noqa: PLC0415

    train(RegionTraining(folder=tmp_path, steps=20, batch=8, further=SHIPPED), sources, {})
    net = load(tmp_path / "last.pt")
    pictures = next(batches(sources, size=60, seed=2))[0][:, 0].numpy()
    alone = convert(net, pictures)
    with pytest.raises(ValueError, match="no second answer"):
        exchanged(alone, alone, trunk=SHARED)
    (tmp_path / "alone.tflite").write_bytes(alone)
    (tmp_path / "region.tflite").write_bytes(exchanged(SHIPPED.read_bytes(), alone, trunk=SHARED))
    by_itself = Network(tmp_path / "alone.tflite", reference=True)
    changed = Network(tmp_path / "region.tflite", reference=True)
    shipped = Network(SHIPPED, reference=True)
    inputs = [(picture ^ 0x80).view(np.int8)[None, :, :, None] for picture in pictures[:10]]
    for picture in inputs:
        assert np.array_equal(changed.run(picture)[1], shipped.run(picture)[1])
    exact = logits(net, pictures[:10])
    errors = [
        np.abs([network.outputs[0].real(network.run(picture)[0])[0] for picture in inputs] - exact).mean()
        for network in (by_itself, changed)
    ]
    assert errors[1] < 1.5 * errors[0], "other first layers cost no more than int8 does anyway"

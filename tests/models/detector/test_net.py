import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra is missing: make .venv/.training")

from platepost.models.detector.net import new_detector


def test_full_input_gives_the_contracts_grid() -> None:
    net = new_detector(seed=1).eval()
    with torch.no_grad():
        score, corners = net(torch.zeros(1, 1, 368, 640))
    assert score.shape == (1, 1, 46, 80)
    assert corners.shape == (1, 8, 46, 80)
    assert 3e5 < sum(parameter.numel() for parameter in net.parameters()) < 8e5


def test_training_window_sees_what_the_full_input_sees() -> None:
    """A window of 240 x 384 out of a frame gives, far from its edges, what the whole frame gives there."""
    net = new_detector(seed=2).eval()
    frame = torch.from_numpy(np.random.default_rng(0).random((1, 1, 368, 1024), np.float32))
    with torch.no_grad():
        whole, _ = net(frame)
        part, _ = net(frame[:, :, :, 320:704])
    # The net sees some 300 pixels around; with 64 px of the window's edges cut off, what is left differs little.
    assert torch.allclose(whole[0, 0, :, 40 + 20 : 40 + 28], part[0, 0, :, 20:28], atol=5e-3)


def test_same_seed_same_weights() -> None:
    first, second, other = (new_detector(seed=seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["stem.convolution.weight"], other["stem.convolution.weight"])

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra is missing: make .venv/.training")
pytest.importorskip("keras", reason="the training extra is missing: make .venv/.training")

from platepost.models.detector.convert import build_twin
from platepost.models.detector.net import new_detector


def test_keras_twin_gives_the_same_numbers() -> None:
    net = new_detector(seed=5)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
    net.eval()
    picture = np.random.default_rng(6).random((1, 368, 640, 1), np.float32)
    score, corners = build_twin(net)(picture)
    with torch.no_grad():
        logits, encoded = net(torch.from_numpy(picture).permute(0, 3, 1, 2))
    assert np.allclose(np.asarray(score)[0, :, :, 0], torch.sigmoid(logits)[0, 0].numpy(), atol=1e-4)
    assert np.allclose(np.asarray(corners)[0], encoded[0].permute(1, 2, 0).numpy(), atol=1e-4)

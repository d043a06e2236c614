import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra is missing: make .venv/.training")

from platepost.models.quantize import folded
from platepost.models.reader.labels import CLASSES, STEPS
from platepost.models.reader.net import PlateReader


def test_reader_maps_pictures_to_steps_and_classes() -> None:
    net = PlateReader().eval()
    assert net(torch.zeros(2, 1, 64, 160)).shape == (2, STEPS, CLASSES)


def test_folded_convolution_computes_the_same() -> None:
    torch.manual_seed(1)
    conv, norm = torch.nn.Conv2d(3, 5, 3, bias=False), torch.nn.BatchNorm2d(5).eval()
    norm.running_mean.uniform_(-1, 1)
    norm.running_var.uniform_(0.5, 2)
    norm.weight.data.uniform_(0.5, 2)
    norm.bias.data.uniform_(-1, 1)
    kernel, bias = folded(conv, norm)
    plain = torch.nn.Conv2d(3, 5, 3)
    plain.weight.data = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
    plain.bias.data = torch.from_numpy(bias)
    pictures = torch.rand(1, 3, 8, 8)
    np.testing.assert_allclose(plain(pictures).detach(), norm(conv(pictures)).detach(), atol=1e-5)


def test_keras_net_computes_what_torch_does() -> None:
    pytest.importorskip("tensorflow", reason="the training extra is missing: make .venv/.training")
    from platepost.models.reader.convert import to_keras  # noqa: PLC0415

    torch.manual_seed(1)
    net = PlateReader()
    with torch.no_grad():
        for _ in range(3):  # statistics other than 0 and 1
            net(torch.rand(8, 1, 64, 160) * 0.6)
    net.eval()
    pictures = np.random.default_rng(1).random((2, 64, 160, 1), np.float32)
    expected = net(torch.from_numpy(pictures.transpose(0, 3, 1, 2))).detach().numpy()
    np.testing.assert_allclose(to_keras(net).predict(pictures, verbose=0), expected, atol=2e-3)

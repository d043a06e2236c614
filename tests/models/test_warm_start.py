"""What trained files give to nets that are to be trained further."""

import itertools

import pytest

pytest.importorskip("torch", reason="the training extra is missing: make .venv/.training")

import torch
from torch import nn

from platepost.device.vision.modelfiles import shipped
from platepost.models.reader.net import LAYERS
from platepost.models.warm_start import adopt, convolutions


def test_every_convolution_of_the_reader_is_found_in_order() -> None:
    found = convolutions(shipped("reader.tflite"))
    assert found[0].kernel.shape[1] == 1
    head = [one.kernel.shape[0] for one in found].index(37)
    assert head == len(LAYERS), "what follows is the second answer's, which stands on an earlier layer"
    found = found[: head + 1]
    assert all(after.kernel.shape[1] == before.kernel.shape[0] for before, after in itertools.pairwise(found))


def test_convolutions_have_the_names_of_their_layers() -> None:
    names = [one.name for one in convolutions(shipped("detector.tflite"))]
    assert {"stem", "block8.first", "block32.second", "lateral16", "score", "corners"} <= set(names)


def test_an_adopted_kernel_and_bias_pass_the_norm_unchanged() -> None:
    torch.manual_seed(2)
    conv, norm = nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5).eval()
    kernel, bias, at = torch.randn(5, 3, 3, 3), torch.randn(5), torch.randn(8, 3, 9, 9)
    with torch.no_grad():
        adopt(conv, kernel, bias, norm=norm, at=at)
        assert torch.allclose(norm(conv(at)), nn.functional.conv2d(at, kernel, bias), atol=1e-4)

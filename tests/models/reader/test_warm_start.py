"""A net that begins with the shipped file's weights reads like the file."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="the training extra is missing: make .venv/.training")

import torch

from platepost.device.vision.modelfiles import shipped
from platepost.device.vision.reader import Reader
from platepost.models.plates import degrade, framed, render_plate
from platepost.models.reader.labels import greedy
from platepost.models.reader.net import PlateReader
from platepost.models.reader.train import warm_start


def pictures(count: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    return np.stack([degrade(framed(render_plate(rng, height=96), rng), rng) for _ in range(count)])


def test_the_net_reads_like_the_file_before_its_first_step() -> None:
    torch.manual_seed(1)
    seen = pictures(48)
    net = PlateReader()
    warm_start(net, shipped("reader.tflite"), torch.from_numpy(seen[:, None]))
    net.eval()
    with torch.no_grad():
        texts = greedy(net(torch.from_numpy(seen[:, None]).float() / 255).numpy())
    shipped_reader = Reader(shipped("reader.tflite"))
    same = [text == shipped_reader.read_rectified(picture).text for text, picture in zip(texts, seen, strict=True)]
    assert np.mean(same) > 0.85


def test_a_file_of_another_net_is_refused() -> None:
    with pytest.raises(ValueError, match="weights"):
        warm_start(PlateReader(), shipped("detector.tflite"), torch.from_numpy(pictures(4)[:, None]))

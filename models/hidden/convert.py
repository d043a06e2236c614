"""The reader with its second answer, as models/reader.tflite."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from platepost.models.hidden.data import TRUNK
from platepost.models.hidden.net import LAYERS, Hider
from platepost.models.reader.labels import CLASSES, STEPS
from platepost.models.reader.net import LAYERS as READER
from platepost.models.training import averaged


def load(checkpoint: Path) -> Hider:
    """Read the averaged net of a training run's `last.pt`."""
    return averaged(Hider(), checkpoint)


def convert(net: Hider, reader: Path, pictures: npt.NDArray[np.uint8], *, bias: float) -> bytes:
    """Put a trained second answer upon the reader that it learned upon, see `platepost.models.graft`.

    Returns:
        N x 40 x 37 logits to the bit as before, and N x 40 x 1.
    """
    from platepost.models.graft import Branch, with_second_answer  # noqa: PLC0415 - seconds to import

    text = Branch("text", READER, (1, 1), (STEPS, CLASSES))
    hidden = Branch("hidden", LAYERS, (1, 1), (STEPS, 1))
    return with_second_answer(reader, text, hidden, net, pictures, trunk=TRUNK, bias=bias)

"""The issuer net with its second answer, as models/region.tflite."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from platepost.models.lettering.net import LAYERS, TRUNK, Lettering
from platepost.models.region.net import HEAD
from platepost.models.region.net import LAYERS as REGION
from platepost.models.training import averaged
from platepost.wire.records.regions import REGIONS


def load(checkpoint: Path) -> Lettering:
    """Read the averaged net of a training run's `last.pt`."""
    return averaged(Lettering(), checkpoint)


def convert(net: Lettering, region: Path, pictures: npt.NDArray[np.uint8]) -> bytes:
    """Put a trained second answer upon the issuer net that it learned upon, see `platepost.models.graft`.

    Args:
        net: trained.
        region: the .tflite file without it.
        pictures: leveled ones.

    Returns:
        N x 52 logits to the bit as before, and N x 1 x 1 x 1.
    """
    from platepost.models.graft import Branch, with_second_answer  # noqa: PLC0415 - seconds to import

    issuer, lettering = Branch("issuer", REGION, HEAD, (len(REGIONS),)), Branch("lettering", LAYERS, HEAD)
    return with_second_answer(region, issuer, lettering, net, pictures, trunk=TRUNK)

"""Run the device's own recogniser over a manifest."""

from collections.abc import Iterator
from time import process_time

import cv2
import numpy as np

from device.errors import PictureError
from device.vision.recogniser import Recogniser
from models.evaluate.manifest import Dataset
from models.evaluate.metrics import PictureResult, compare


def evaluate_manifest(manifest: Dataset, recogniser: Recogniser, *, crop: bool = False) -> Iterator[PictureResult]:
    """Recognise every picture, one after the other; plates cut out are read whole, with `crop` all pictures.

    Raises:
        PictureError: a picture of the manifest is missing or cannot be decoded.

    """
    for picture in manifest.pictures:
        pixels = cv2.imread(str(picture.path), cv2.IMREAD_COLOR)
        if pixels is None:
            raise PictureError(f"{picture.path}: is missing or no picture (named by {manifest.path})")
        image = np.asarray(pixels, np.uint8)
        start = process_time()
        recognition = recogniser.recognise_crop(image) if crop or picture.cut_out else recogniser.recognise_still(image)
        yield compare(picture, recognition, cpu_milliseconds=(process_time() - start) * 1000)

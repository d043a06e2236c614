"""Run the device's own recognizer over a manifest."""

from collections.abc import Iterator
from time import process_time

import cv2
import numpy as np

from platepost.common.errors import PictureError
from platepost.device.vision.recognizer import Recognizer
from platepost.models.evaluate.manifest import Dataset
from platepost.models.evaluate.metrics import PictureResult, compare


def evaluate_manifest(manifest: Dataset, recognizer: Recognizer, *, crop: bool = False) -> Iterator[PictureResult]:
    """Recognize every picture, one after the other; plates cut out are read whole, with `crop` all pictures.

    Raises:
        PictureError: a picture of the manifest is missing or cannot be decoded.

    """
    for picture in manifest.pictures:
        pixels = cv2.imread(str(picture.path), cv2.IMREAD_COLOR)
        if pixels is None:
            raise PictureError(f"{picture.path}: is missing or no picture (named by {manifest.path})")
        image = np.asarray(pixels, np.uint8)
        start = process_time()
        recognition = recognizer.recognize_crop(image) if crop or picture.cut_out else recognizer.recognize_still(image)
        yield compare(picture, recognition, cpu_milliseconds=(process_time() - start) * 1000)

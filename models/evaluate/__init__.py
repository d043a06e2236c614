"""How good the recogniser is on pictures whose plates are known."""

from models.evaluate.manifest import Dataset, LabelledPicture, ManifestError, TruePlate, read_manifest
from models.evaluate.metrics import PictureResult, Summary, summarise
from models.evaluate.run import evaluate_manifest

__all__ = [
    "Dataset",
    "LabelledPicture",
    "ManifestError",
    "PictureResult",
    "Summary",
    "TruePlate",
    "evaluate_manifest",
    "read_manifest",
    "summarise",
]

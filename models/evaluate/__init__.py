"""How good the recogniser is on pictures whose plates are known."""

from models.evaluate.manifest import LabelledPicture, Manifest, ManifestError, TruePlate, read_manifest
from models.evaluate.metrics import Outcome, Summary, summarise
from models.evaluate.run import evaluate_manifest

__all__ = [
    "LabelledPicture",
    "Manifest",
    "ManifestError",
    "Outcome",
    "Summary",
    "TruePlate",
    "evaluate_manifest",
    "read_manifest",
    "summarise",
]

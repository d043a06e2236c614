"""`platepost models`: train, convert and evaluate the recognizer.

Commands import what is heavy only where they run: evaluating needs no torch, and help needs nothing.
"""

from typing import Final

from platepost.common.commands.lazy import LazyCommand, LazyGroup

_EXTRA: Final = "training"
_MODELS: Final = {
    "calibrate": LazyCommand(
        "platepost.models.calibration.cli:calibrate", "Calibrate a reader's confidence.", "training,evaluation"
    ),
    "evaluate": LazyCommand(
        "platepost.models.evaluate.cli:evaluate", "Measure accuracy on labeled pictures.", "evaluation"
    ),
    "make": LazyCommand(
        "platepost.models.recipe:make", "Train all networks from scratch, by the recipe.", "training,evaluation"
    ),
}
_TRAIN: Final = {
    "detector": LazyCommand("platepost.models.detector.cli:train", "Train the detector on pasted and real plates."),
    "reader": LazyCommand("platepost.models.reader.cli:train", "Train the reader on drawn and real plates."),
    "hidden": LazyCommand("platepost.models.hidden.cli:train", "Train the reader to see that a character is hidden."),
    "region": LazyCommand(
        "platepost.models.region.cli:train", "Train the issuing-state network on drawn and real plates."
    ),
    "lettering": LazyCommand(
        "platepost.models.lettering.cli:train", "Train the issuing-state network to see what is no plate."
    ),
    "vehicle": LazyCommand("platepost.models.vehicle.cli:train", "Train the vehicle network on labeled photos."),
}
_CONVERT: Final = {
    "detector": LazyCommand("platepost.models.detector.cli:convert", "Quantize a trained detector to int8."),
    "reader": LazyCommand("platepost.models.reader.cli:convert", "Quantize a trained reader to int8."),
    "hidden": LazyCommand(
        "platepost.models.hidden.cli:convert", "Add what sees hidden characters to its reader, as int8."
    ),
    "region": LazyCommand(
        "platepost.models.region.cli:convert", "Calibrate a trained issuing-state network and quantize it to int8."
    ),
    "lettering": LazyCommand(
        "platepost.models.lettering.cli:convert",
        "Add what sees that it is no plate to its issuing-state network, as int8.",
    ),
    "vehicle": LazyCommand(
        "platepost.models.vehicle.cli:convert", "Calibrate a trained vehicle network and quantize it to int8."
    ),
}
_AVERAGE: Final = {
    "detector": LazyCommand("platepost.models.detector.cli:average", "Average several detectors into one."),
}

models = LazyGroup(
    "models",
    help="Train, convert and evaluate the networks.",
    lazy=_MODELS,
    extra=_EXTRA,
    epilog="""\b
Examples:
  platepost models evaluate data/us_photos
  platepost models train reader build/reader --photos data/open_images --texts texts.json
  platepost models convert reader build/reader/last.pt reader.tflite --photos data/open_images
""",
)
models.add_command(LazyGroup("train", help="Train one network.", lazy=_TRAIN, extra=_EXTRA))
models.add_command(
    LazyGroup("convert", help="Convert a trained network to a .tflite file.", lazy=_CONVERT, extra=_EXTRA)
)
models.add_command(LazyGroup("average", help="Average several networks into one.", lazy=_AVERAGE, extra=_EXTRA))

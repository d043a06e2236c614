"""`platepost models`: train, convert and evaluate the recognizer.

Commands import what is heavy only where they run: evaluating needs no torch, and help needs nothing.
"""

from typing import Final

from device.commands.lazy import LazyCommand, LazyGroup

_EXTRA: Final = "training"
_MODELS: Final = {
    "calibrate": LazyCommand(
        "models.calibration.cli:calibrate", "Calibrate a reader's confidence.", "training,evaluation"
    ),
    "evaluate": LazyCommand("models.evaluate.cli:evaluate", "Measure accuracy on labeled pictures.", "evaluation"),
    "make": LazyCommand("models.make:make", "Train all networks from scratch, by the recipe.", "training,evaluation"),
}
_TRAIN: Final = {
    "detector": LazyCommand("models.detector.cli:train", "Train the detector on pasted and real plates."),
    "reader": LazyCommand("models.reader.cli:train", "Train the reader on drawn and real plates."),
    "hidden": LazyCommand("models.hidden.cli:train", "Train the reader to see that a character is hidden."),
    "region": LazyCommand("models.region.cli:train", "Train the issuing-state network on drawn and real plates."),
    "lettering": LazyCommand("models.lettering.cli:train", "Train the issuing-state network to see what is no plate."),
    "vehicle": LazyCommand("models.vehicle.cli:train", "Train the vehicle network on labeled photos."),
}
_CONVERT: Final = {
    "detector": LazyCommand("models.detector.cli:convert", "Quantize a trained detector to int8."),
    "reader": LazyCommand("models.reader.cli:convert", "Quantize a trained reader to int8."),
    "hidden": LazyCommand("models.hidden.cli:convert", "Add what sees hidden characters to its reader, as int8."),
    "region": LazyCommand(
        "models.region.cli:convert", "Calibrate a trained issuing-state network and quantize it to int8."
    ),
    "lettering": LazyCommand(
        "models.lettering.cli:convert", "Add what sees that it is no plate to its issuing-state network, as int8."
    ),
    "vehicle": LazyCommand(
        "models.vehicle.cli:convert", "Calibrate a trained vehicle network and quantize it to int8."
    ),
}
_AVERAGE: Final = {
    "detector": LazyCommand("models.detector.cli:average", "Average several detectors into one."),
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

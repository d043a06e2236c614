"""`platepost models`: train, convert and evaluate the recognizer.

Commands import what is heavy only where they run: evaluating needs no torch, and help needs nothing.
"""

from typing import Final

from device.commands.lazy import LazyCommand, LazyGroup

_EXTRA: Final = "training"
_MODELS: Final = {
    "calibrate": LazyCommand(
        "models.calibration.cli:calibrate", "Make a reader's confidence mean what it says.", "training,evaluation"
    ),
    "evaluate": LazyCommand(
        "models.evaluate.cli:evaluate", "Figures of the recognizer on labelled pictures.", "evaluation"
    ),
    "make": LazyCommand("models.make:make", "Train all nets from nothing, as the recipe says.", "training,evaluation"),
}
_TRAIN: Final = {
    "detector": LazyCommand("models.detector.cli:train", "Train the detector on pasted and real plates."),
    "reader": LazyCommand("models.reader.cli:train", "Train the reader on drawn and real plates."),
    "region": LazyCommand("models.region.cli:train", "Train the net of the issuing state on drawn and real plates."),
}
_CONVERT: Final = {
    "detector": LazyCommand("models.detector.cli:convert", "Quantise a trained detector to int8."),
    "reader": LazyCommand("models.reader.cli:convert", "Quantise a trained reader to int8."),
    "region": LazyCommand(
        "models.region.cli:convert", "Calibrate a trained net of the issuing state and quantise it to int8."
    ),
}
_AVERAGE: Final = {
    "detector": LazyCommand("models.detector.cli:average", "Make one detector of the mean of several."),
}

models = LazyGroup("models", help="Train, convert and evaluate the recognizer.", lazy=_MODELS, extra=_EXTRA)
models.add_command(LazyGroup("train", help="Train one of the nets.", lazy=_TRAIN, extra=_EXTRA))
models.add_command(LazyGroup("convert", help="Make a .tflite file of a trained net.", lazy=_CONVERT, extra=_EXTRA))
models.add_command(LazyGroup("average", help="Make one net of the mean of several.", lazy=_AVERAGE, extra=_EXTRA))

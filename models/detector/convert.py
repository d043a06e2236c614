"""From torch weights to models/detector.tflite: the same net in Keras, batch norm folded, then full int8."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from platepost.device.vision.detector import HEIGHT, NEAR_HEIGHT, NEAR_WIDTH, WIDTH
from platepost.models.detector.decode import fit_frame
from platepost.models.detector.net import HEAD, STEM, WIDTHS, ConvBlock, PlateDetector
from platepost.models.quantize import folded, to_int8
from platepost.models.scenes.photos import PhotoStore, split

_STRIDES: Final = (1, 2, 4, 8, 16, 32)


CALIBRATION_FRAMES: Final = 200


def calibration_frames(photos: Sequence[Path], *, folder: Path, seed: int) -> list[NDArray[np.uint8]]:
    """Draw training photos as the detector's input, [368, 640] uint8; `folder` keeps a training's decoded photos."""
    store = PhotoStore(photos, cache=folder / "photos.bin")
    kept = split(store.names)[0] or range(len(store))
    chosen = np.random.default_rng(seed).choice(kept, min(CALIBRATION_FRAMES, len(kept)), replace=False)
    return [fit_frame(store[int(number)].pixels)[0] for number in chosen]


def load_weights(path: Path) -> PlateDetector:
    """Load the averaged weights of a checkpoint (best.pt or last.pt), ready to run."""
    net = PlateDetector()
    net.load_state_dict(torch.load(path, weights_only=True)["average"])
    net.eval()
    return net


def build_twin(net: PlateDetector) -> Any:
    """Return a keras.Model with the same weights: [1, 368, 640, 1] in [0, 1] -> score (sigmoid), encoded corners."""
    import keras  # noqa: PLC0415 - heavy, and only conversion needs it

    def conv(name: str, outputs: int, *, kernel: int = 3, stride: int = 1, relu: bool = True) -> Any:
        activation = "relu" if relu else None
        return keras.layers.Conv2D(outputs, kernel, stride, padding="same", activation=activation, name=name)

    def residual(x: Any, name: str, width: int) -> Any:
        inner = conv(f"{name}.second", width, relu=False)(conv(f"{name}.first", width)(x))
        return keras.layers.ReLU()(keras.layers.Add()([x, inner]))

    def join(lower: Any, upper: Any) -> Any:
        rows, upper_rows = lower.shape[1], upper.shape[1] * 2
        upper = keras.ops.image.resize(upper, (upper_rows, upper.shape[2] * 2), interpolation="nearest")
        if upper_rows != rows:
            upper = keras.layers.Cropping2D(((0, upper_rows - rows), (0, 0)))(upper)
        return keras.layers.ReLU()(keras.layers.Add()([lower, upper]))

    picture = keras.Input((HEIGHT, WIDTH, 1), batch_size=1, name="picture")
    x = conv("down4", WIDTHS[4], stride=2)(conv("stem", STEM, stride=2)(picture))
    x8 = residual(conv("down8", WIDTHS[8], stride=2)(conv("block4", WIDTHS[4])(x)), "block8", WIDTHS[8])
    x16 = residual(conv("down16", WIDTHS[16], stride=2)(x8), "block16", WIDTHS[16])
    x32 = residual(conv("down32", WIDTHS[32], stride=2)(x16), "block32", WIDTHS[32])
    up32 = conv("up32", WIDTHS[16], kernel=1, relu=False)(x32)
    x16 = join(conv("lateral16", WIDTHS[16], kernel=1, relu=False)(x16), up32)
    x8 = join(x8, conv("up16", WIDTHS[8], kernel=1, relu=False)(x16))
    features = conv("head", HEAD)(x8)
    score = keras.layers.Conv2D(1, 1, activation="sigmoid", name="score")(features)
    corners = keras.layers.Conv2D(8, 1, name="corners")(features)
    twin = keras.Model(picture, [score, corners])
    _copy(net, twin)
    return twin


def convert(net: PlateDetector, frames: Iterable[NDArray[np.uint8]]) -> bytes:
    """Quantize a net to full int8, calibrated on frames [368, 640] uint8; returns the .tflite file."""
    return to_int8(build_twin(net), frames)


def _copy(net: PlateDetector, twin: Any) -> None:
    """Copy all weights, batch norm folded into the convolution before it."""
    for name, module in net.named_modules():
        if isinstance(module, ConvBlock):
            weights = folded(module.convolution, module.norm)
        elif name in {"score", "corners"} and isinstance(module, torch.nn.Conv2d):
            weights = folded(module)
        else:
            continue
        twin.get_layer(name).set_weights(weights)


def near(content: bytes) -> bytes:
    """Return a detector's .tflite file for an input of `NEAR_HEIGHT` x `NEAR_WIDTH`, with the same weights.

    TFLite fixes the shape of each tensor when a file is made, and of the results of resizing on the way back up; a file
    for 640 x 368 takes nothing else. So the file is written a second time with other shapes.

    Raises:
        ValueError: a tensor or a resizing is of a size that the detector has at no stride.
    """
    import flatbuffers  # noqa: PLC0415 - with TensorFlow, and only conversion needs it
    from tensorflow.lite.python import schema_py_generated as schema  # noqa: PLC0415

    model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    (graph,) = model.subgraphs
    resizing = schema.BuiltinOperator.RESIZE_NEAREST_NEIGHBOR
    for operator in graph.operators:
        if model.operatorCodes[operator.opcodeIndex].builtinCode == resizing:
            size = model.buffers[graph.tensors[operator.inputs[1]].buffer]
            rows, columns = np.frombuffer(bytes(size.data), np.int32).tolist()
            size.data = np.frombuffer(np.array(_shrunk(rows, columns), np.int32).tobytes(), np.uint8)
    outputs = {index for operator in graph.operators for index in operator.outputs}
    for index in (*graph.inputs, *outputs):
        tensor = graph.tensors[index]
        batch, rows, columns, channels = map(int, tensor.shape)
        tensor.shape = [batch, *_shrunk(rows, columns), channels]
        tensor.shapeSignature = None
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _shrunk(rows: int, columns: int) -> tuple[int, int]:
    """Return the size at the stride at which the large input has this one; resizing may give a row too many."""
    for stride in _STRIDES:
        if columns == -(-WIDTH // stride) and rows - -(-HEIGHT // stride) in (0, 1):
            spare = rows - -(-HEIGHT // stride)
            return -(-NEAR_HEIGHT // stride) + spare, -(-NEAR_WIDTH // stride)
    raise ValueError(f"{rows} x {columns} is the size of no stride")

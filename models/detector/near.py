"""The detector again for a small input: the same weights, where a second look needs no whole frame.

TFLite fixes each tensor's shape when a file is made, and of what the resizing on the way back up gives; a file made for
640 x 368 takes nothing else. So the file is written a second time with other shapes and not a weight changed.
"""

from typing import Any, Final

import numpy as np

from platepost.device.vision.detector import HEIGHT, NEAR_HEIGHT, NEAR_WIDTH, WIDTH

_STRIDES: Final = (1, 2, 4, 8, 16, 32)


def near(content: bytes) -> bytes:
    """Return a detector's .tflite file for an input of `NEAR_HEIGHT` x `NEAR_WIDTH`.

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
    made = {index for operator in graph.operators for index in operator.outputs}
    for index in (*graph.inputs, *made):
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

"""A second answer put into a net's own file, of which not one number changes.

If both were quantized together from scratch, the net would round its activations differently, and the reader would read
some plates differently.
"""

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema


def grafted(alone: bytes, both: bytes, *, trunk: int) -> bytes:
    """Take the second answer of a .tflite file with both answers over into that of the first alone.

    Args:
        alone: the .tflite file with the first answer.
        both: that of the same net with both.
        trunk: the layer of it that the second answer stands on, counted from 1.

    Raises:
        ValueError: the file with both answers does not begin with the operators of the other.
    """
    own, other = (schema.ModelT.InitFromObj(schema.Model.GetRootAs(file, 0)) for file in (alone, both))
    graph, source = own.subgraphs[0], other.subgraphs[0]
    codes = [[code.builtinCode for code in model.operatorCodes] for model in (own, other)]
    known = len(graph.operators)
    first, half_way = source.operators[known], graph.operators[trunk - 1].outputs[0]
    begins = [operator.opcodeIndex for operator in source.operators[:known]]
    if codes[0] != codes[1] or begins != [operator.opcodeIndex for operator in graph.operators]:
        raise ValueError("the file with both answers does not begin with the operators of the first alone")
    moved = {int(first.inputs[0]): int(half_way)}
    _rescale(other, first, float(graph.tensors[half_way].quantization.scale[0]))
    for operator in source.operators[known:]:
        for index in map(int, [*operator.inputs, *operator.outputs]):
            if index not in moved:
                tensor = source.tensors[index]
                own.buffers.append(other.buffers[tensor.buffer])
                tensor.buffer = len(own.buffers) - 1
                graph.tensors.append(tensor)
                moved[index] = len(graph.tensors) - 1
        operator.inputs = [moved[int(index)] for index in operator.inputs]
        operator.outputs = [moved[int(index)] for index in operator.outputs]
        graph.operators.append(operator)
    graph.outputs = [*graph.outputs, graph.operators[-1].outputs[0]]
    own.signatureDefs = []  # nobody asks for them, and they would have to name the new output
    builder = flatbuffers.Builder(len(alone) + len(both))
    builder.Finish(own.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _rescale(model: schema.ModelT, convolution: schema.OperatorT, scale: float) -> None:
    """Give a convolution the bias that it needs where its input has another scale; an int32 of input's by weights'."""
    tensors = model.subgraphs[0].tensors
    weights, bias = (tensors[index] for index in convolution.inputs[1:])
    before, after = np.asarray(bias.quantization.scale), np.asarray(weights.quantization.scale) * scale
    held = model.buffers[bias.buffer]
    values = np.round(np.asarray(held.data, np.uint8).view(np.int32) * before / after).astype(np.int32)
    held.data = values.view(np.uint8)
    bias.quantization.scale = after.astype(np.float32)

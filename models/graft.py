"""A second answer put into a net's own file, of which not one number changes.

If both were quantized together from scratch, the net would round its activations differently, and the reader would read
some plates differently.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import flatbuffers
import keras
import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema
from torch import nn

from platepost.models.quantize import Weights, folded, to_int8
from platepost.models.reader.net import Layer
from platepost.models.warm_start import convolutions


class Branch(NamedTuple):
    """Layers upon one another, and the convolution to an answer on top of them."""

    name: str
    layers: Sequence[Layer]
    head: tuple[int, int]
    """Size of the last convolution's kernel."""
    shape: tuple[int, ...] = ()
    """What the answer is reshaped to; nothing: it stays as the convolution gives it."""


def with_second_answer(
    path: Path, first: Branch, second: Branch, net: nn.Module, pictures: npt.NDArray[np.uint8], *, trunk: int,
    bias: float = 0.0,
) -> bytes:  # fmt: skip
    """Put a trained second answer upon the net of a .tflite file that it learned upon, and quantize both.

    Args:
        path: the file with the first answer alone.
        first: what it answers.
        second: what is put upon it.
        net: the second answer's, trained: `blocks` and a `head`.
        pictures: representative inputs, N x 64 x 160 gray; a few hundred.
        trunk: the layer of the first net that the second answer stands on, counted from 1.
        bias: added to the second answer.

    Returns:
        The .tflite file with an answer more; the first is to the bit as before.
    """
    weights = [(one.kernel.transpose(2, 3, 1, 0), one.bias) for one in convolutions(path)]
    picture = keras.Input((64, 160, 1))
    names = [f"conv{number}" for number in range(len(first.layers))]
    half_way = _stacked(picture, first.layers[:trunk], names[:trunk])
    at = _stacked(half_way, first.layers[trunk:], names[trunk:])
    answer = _answered(at, first, "head", weights[-1])
    names.append("head")
    own = [f"{second.name}{number}" for number in range(len(second.layers))]
    kernel, level = folded(net.head)
    weights += [folded(block[1], block[2]) for block in net.blocks]
    weights.append((kernel, level + np.float32(bias)))
    further = _answered(_stacked(half_way, second.layers, own), second, f"{second.name}_head", weights[-1])
    names += [*own, f"{second.name}_head"]
    built = keras.Model(picture, [answer, further])
    for name, values in zip(names, weights, strict=True):
        built.get_layer(name).set_weights(list(values))
    return grafted(path.read_bytes(), to_int8(built, pictures), trunk=trunk)


def _stacked(at: "keras.KerasTensor", layers: Sequence[Layer], names: Sequence[str]) -> "keras.KerasTensor":
    """Build layers one upon the other, batch norm to be folded into them."""
    for layer, name in zip(layers, names, strict=True):
        padding = "valid" if layer.valid else "same"
        convolution = keras.layers.Conv2D(
            layer.filters, layer.kernel, layer.stride, padding=padding, activation="relu", name=name
        )
        at = convolution(at)
    return at


def _answered(at: "keras.KerasTensor", answer: Branch, head: str, weights: Weights) -> "keras.KerasTensor":
    at = keras.layers.Conv2D(len(weights[1]), answer.head, name=head)(at)
    return keras.layers.Reshape(answer.shape, name=answer.name)(at) if answer.shape else at


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
    half_way = int(graph.operators[trunk - 1].outputs[0])
    begins = [operator.opcodeIndex for operator in source.operators[:known]]
    if codes[0] != codes[1] or begins != [operator.opcodeIndex for operator in graph.operators]:
        raise ValueError("the file with both answers does not begin with the operators of the first alone")
    _take_over(own, other, source.operators[known:], half_way)
    graph.outputs = [*graph.outputs, graph.operators[-1].outputs[0]]
    own.signatureDefs = []  # no one asks for them, and they would have to name the new output
    builder = flatbuffers.Builder(len(alone) + len(both))
    builder.Finish(own.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def exchanged(whole: bytes, anew: bytes, *, trunk: int) -> bytes:
    """Put another first answer upon the first layers of a .tflite file with two answers; the second stays to the bit.

    Args:
        whole: the .tflite file with both answers.
        anew: that of a net with the other first answer alone, whose first layers are those of the file.
        trunk: the layer that the new answer stands on, counted from 1.

    Raises:
        ValueError: the file has no second answer.
    """
    own, other = (schema.ModelT.InitFromObj(schema.Model.GetRootAs(file, 0)) for file in (whole, anew))
    graph, source = own.subgraphs[0], other.subgraphs[0]
    if len(graph.outputs) < 2:
        raise ValueError("has no second answer")
    half_way, second = int(graph.operators[trunk - 1].outputs[0]), int(graph.outputs[1])
    kept = _leading_to(second, graph.operators)
    graph.operators = kept[:trunk]  # the first answer's come first, as in a file of one training
    _take_over(own, other, source.operators[trunk:], half_way)
    graph.outputs = [int(graph.operators[-1].outputs[0]), second]
    graph.operators += kept[trunk:]
    own.signatureDefs = []
    _without_unused(own)
    builder = flatbuffers.Builder(len(whole) + len(anew))
    builder.Finish(own.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _take_over(own: schema.ModelT, other: schema.ModelT, operators: Sequence[schema.OperatorT], half_way: int) -> None:
    """Put operators of another model behind those of a model, upon its tensor `half_way`."""
    graph, source = own.subgraphs[0], other.subgraphs[0]
    moved = {int(operators[0].inputs[0]): half_way}
    _rescale(other, operators[0], float(graph.tensors[half_way].quantization.scale[0]))
    for operator in operators:
        operator.opcodeIndex = _opcode(own, other.operatorCodes[operator.opcodeIndex])
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


def _leading_to(tensor: int, operators: Sequence[schema.OperatorT]) -> list[schema.OperatorT]:
    """Return the operators that a tensor comes from, in their order."""
    wanted = {tensor}
    kept = []
    for operator in reversed(operators):
        if wanted.intersection(map(int, operator.outputs)):
            wanted.update(map(int, operator.inputs))
            kept.append(operator)
    return kept[::-1]


def _opcode(model: schema.ModelT, code: schema.OperatorCodeT) -> int:
    """Return the place of an operator's kind in a model, which learns it where it is new."""
    known = [(one.builtinCode, one.version) for one in model.operatorCodes]
    if (code.builtinCode, code.version) not in known:
        model.operatorCodes.append(code)
        return len(known)
    return known.index((code.builtinCode, code.version))


def _without_unused(model: schema.ModelT) -> None:
    """Leave out the tensors that no operator has, and what they hold."""
    graph = model.subgraphs[0]
    met = {int(index) for operator in graph.operators for index in [*operator.inputs, *operator.outputs]}
    used = sorted(met.union(map(int, graph.inputs)))
    places = {index: place for place, index in enumerate(used)}
    graph.tensors = [graph.tensors[index] for index in used]
    for operator in graph.operators:
        operator.inputs = [places[int(index)] for index in operator.inputs]
        operator.outputs = [places[int(index)] for index in operator.outputs]
    graph.inputs = [places[int(index)] for index in graph.inputs]
    graph.outputs = [places[int(index)] for index in graph.outputs]
    held = [model.buffers[0]]  # empty, as the format asks
    for tensor in graph.tensors:
        held.append(model.buffers[tensor.buffer])
        tensor.buffer = len(held) - 1
    model.buffers = held
    model.metadata = []
    model.metadataBuffer = []


def _rescale(model: schema.ModelT, convolution: schema.OperatorT, scale: float) -> None:
    """Give a convolution the bias that it needs where its input has another scale; an int32 of input's by weights'."""
    tensors = model.subgraphs[0].tensors
    weights, bias = (tensors[index] for index in convolution.inputs[1:])
    before, after = np.asarray(bias.quantization.scale), np.asarray(weights.quantization.scale) * scale
    held = model.buffers[bias.buffer]
    values = np.round(np.asarray(held.data, np.uint8).view(np.int32) * before / after).astype(np.int32)
    held.data = values.view(np.uint8)
    bias.quantization.scale = after.astype(np.float32)

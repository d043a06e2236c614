"""A net of stacked layers built a second time in Keras, which quantizes better than what torch exports."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import nn

from platepost.models.quantize import Weights, folded
from platepost.models.reader.net import Layer

if TYPE_CHECKING:
    import keras


def rebuilt(
    layers: Sequence[Layer],
    blocks: nn.Sequential,
    head: nn.Conv2d,
    *,
    answer: tuple[int, ...],
    picture: tuple[int, int, int] = (64, 160, 1),
) -> "keras.Model":
    """Build a trained net in Keras, batch norm folded.

    Args:
        layers: what the blocks were made of, by `platepost.models.reader.net.stack`.
        blocks: padding, convolution, batch norm and ReLU each.
        head: the convolution after them, without padding.
        answer: shape of the answer to one picture.
        picture: its rows, columns and channels.

    Returns:
        N x `picture` in [0, 1] to N x `answer`.

    Raises:
        TypeError: a block is something else.
    """
    import keras  # noqa: PLC0415 - seconds to import

    inputs = at = keras.Input(picture)
    convolutions: list[tuple[str, Weights]] = []
    for number, (layer, block) in enumerate(zip(layers, blocks, strict=True)):
        name = f"conv{number}"
        at = keras.layers.Conv2D(layer.filters, layer.kernel, layer.stride, padding="valid" if layer.valid else "same",
                                 activation="relu", name=name)(at)  # fmt: skip
        _, conv, norm, _ = block
        if not isinstance(conv, nn.Conv2d) or not isinstance(norm, nn.BatchNorm2d):
            raise TypeError(f"{name} is not padding, convolution, batch norm and ReLU")
        convolutions.append((name, folded(conv, norm)))
    at = keras.layers.Conv2D(head.out_channels, head.kernel_size, name="head")(at)
    convolutions.append(("head", folded(head)))
    built = keras.Model(inputs, keras.layers.Reshape(answer)(at))
    for name, weights in convolutions:
        built.get_layer(name).set_weights(list(weights))
    return built

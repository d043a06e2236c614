"""What trainings of a second answer have in common: it learns upon the first layers of a net, which stay as they are.

A second answer trains in minutes, for those layers ran over every plate before.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from platepost.device.vision.ctc import softmax
from platepost.models.training import TimedTraining


@dataclass(frozen=True, kw_only=True)
class AnswerTraining(TimedTraining):
    """How long and how hard to train a second answer."""

    floor: float = 1e-5
    warm_up: int = 50
    save_every: int = 500
    average: float = 0.995
    batch: int = 64
    seed: int = 1


class Trunk:
    """The first layers of a net, and its answer."""

    def __init__(self, path: Path, layer: int) -> None:
        """Load a .tflite file; `layer` counts its convolutions from 1."""
        self._interpreter = Interpreter(
            str(path), num_threads=1, experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )  # fmt: skip
        self._interpreter.allocate_tensors()
        tensors: dict[int, Any] = {tensor["index"]: tensor for tensor in self._interpreter.get_tensor_details()}
        convolutions = [one for one in self._interpreter._get_ops_details() if one["op_name"] == "CONV_2D"]  # noqa: SLF001 - no public list
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._answer = self._interpreter.get_output_details()[0]
        self._at = tensors[convolutions[layer - 1]["outputs"][0]]
        self.scale, self.zero_point = (float(self._at["quantization"][0]), int(self._at["quantization"][1]))

    def __call__(self, plate: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
        """Return the values of the layer and the answer's probabilities for a 64 x 160 plate."""
        self._interpreter.set_tensor(self._input, (plate ^ 0x80).view(np.int8)[None, :, :, None])
        self._interpreter.invoke()
        scale, zero_point = self._answer["quantization"]
        logits = (self._interpreter.get_tensor(self._answer["index"])[0].astype(np.float32) - zero_point) * scale
        return self._interpreter.get_tensor(self._at["index"])[0], softmax(logits)

    def floats(self, values: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
        """Undo the quantization of the layer."""
        return (values.astype(np.float32) - self.zero_point) * np.float32(self.scale)

    def as_input(self, values: npt.NDArray[np.int8]) -> torch.Tensor:
        """Bring what the layer says of N plates, channels last and as quantized, to a second answer's input."""
        return torch.from_numpy(self.floats(values).transpose(0, 3, 1, 2)).contiguous(memory_format=torch.channels_last)

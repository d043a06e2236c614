"""One int8 .tflite file, ready to run on whichever TFLite runtime is installed.

Two runtimes are known: `ai_edge_litert` (preferred, with XNNPACK for int8) and `tflite_runtime` (Python 3.11 on older
units; it needs numpy < 2 and fails with SystemError otherwise). One thread each: more was slower on busy small
machines.
"""

import importlib
import importlib.util
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platepost.common.errors import BackendError, ModelError
from platepost.device.vision.modelfiles import check

RUNTIMES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")
"""Modules that hold an `Interpreter`, in order of preference."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where one int8 tensor of a model lies and how its integers stand for real numbers."""

    index: int
    shape: tuple[int, ...]
    scale: float
    zero_point: int

    def real(self, values: NDArray[np.int8]) -> NDArray[np.float32]:
        """Turn int8 `values` of any shape into the real numbers they stand for."""
        return (values.astype(np.float32) - self.zero_point) * np.float32(self.scale)


class Network:
    """A .tflite file loaded into an interpreter with its one int8 input and its int8 outputs.

    Not safe to share between threads. `digest` is the file's SHA-256 in hexadecimal, for records.
    """

    def __init__(self, path: Path, *, runtime: str | None = None, reference: bool = False) -> None:
        """Load `path`.

        Args:
            path: the .tflite file.
            runtime: a module of `RUNTIMES`; without it the first that is installed.
            reference: True takes TFLite's reference kernels: some ten times slower, and bit-identical on every runtime
                and processor. The optimized ones differ by a few quanta between x86 and ARM.

        Raises:
            BackendError: no TFLite runtime is installed, or it does not start.
            ModelError: the file is missing, damaged, or not int8 in and out.

        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelError(f"model file {path}: {error.strerror or error}") from error
        self.path = path
        self.digest = sha256(content).hexdigest()
        check(path, self.digest)
        module = _runtime(runtime)
        options: dict[str, Any] = {"model_content": content, "num_threads": 1}
        if reference:
            options["experimental_op_resolver_type"] = module.OpResolverType.BUILTIN_REF
        try:
            with _notices_withheld():
                self._interpreter = module.Interpreter(**options)
                self._interpreter.allocate_tensors()
        except SystemError as error:
            raise BackendError(f"{module.__name__} does not start: {error}; tflite-runtime needs numpy < 2") from error
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"model file {path} is damaged: {error}") from error
        self.input = _tensor(path, self._interpreter.get_input_details()[0])
        self.outputs = tuple(_tensor(path, details) for details in self._interpreter.get_output_details())

    def run(self, values: NDArray[np.int8]) -> tuple[NDArray[np.int8], ...]:
        """Run the model on `values` of the input's shape; returns a copy of each output, in the file's order."""
        self._interpreter.set_tensor(self.input.index, values)
        self._interpreter.invoke()
        return tuple(self._interpreter.get_tensor(output.index) for output in self.outputs)

    def expect(self, *, input_shape: Sequence[int], output_shapes: Sequence[Sequence[int]]) -> None:
        """Check that the file is of the shape that the device's code was written for.

        Raises:
            ModelError: naming both shapes.

        """
        actual = (self.input.shape, sorted(output.shape for output in self.outputs))
        expected = (tuple(input_shape), sorted(tuple(shape) for shape in output_shapes))
        if actual != expected:
            raise ModelError(
                f"model file {self.path} maps {actual[0]} to {actual[1]}, expected {expected[0]} to {expected[1]}"
            )


@contextmanager
def _notices_withheld() -> Iterator[None]:
    """Keep TFLite's `INFO:` lines off a person's terminal; everything else that comes meanwhile follows.

    It writes "Created TensorFlow Lite XNNPACK delegate" to descriptor 2 itself, and has no setting against it. A log
    keeps the line: there a crash within must not take its last words along.
    """
    if not os.isatty(2):
        yield
        return
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            captured.seek(0)
            for line in captured:
                if not line.startswith(b"INFO: "):
                    os.write(terminal, line)
            os.close(terminal)


def _runtime(name: str | None) -> Any:
    for candidate in (name,) if name else RUNTIMES:
        if importlib.util.find_spec(candidate.partition(".")[0]) is not None:
            return importlib.import_module(candidate)
    raise BackendError("no TFLite runtime is installed: pip install ai-edge-litert (or tflite-runtime on Python 3.11)")


def _tensor(path: Path, details: dict[str, Any]) -> Tensor:
    if details["dtype"] is not np.int8:
        raise ModelError(f"model file {path}: tensor {details['name']} is {details['dtype'].__name__}, expected int8")
    scale, zero_point = details["quantization"]
    return Tensor(details["index"], tuple(int(size) for size in details["shape"]), float(scale), int(zero_point))

"""The real Picamera2 on libcamera's virtual pipeline, where this machine has both; `make test-camera` brings them.

Four things are supplied that a desktop lacks: `pykms`, inert; DMA heaps, zeroed memory and the pipeline's file, by the
preloaded `shim.c`; raw modes, which the virtual pipeline has none of; buffers of two planes, which it wants for NV12.
"""

import importlib
import importlib.util
import mmap
import os
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import pytest

from platepost.device.camera.footage.recordings import open_recording

SHIM = "PLATEPOST_VIRTUAL_YAML"
"""Where the pipeline's file is to lie; the shim sends libcamera there."""
CLIP = Path(__file__).parents[2] / "simulator" / "footage" / "pass.mp4"
FRAMES = (76, 119, 2)
"""What of the clip is played: a vehicle and, at the end, the empty road. The pipeline shows each frame four times."""
SIZES = ((1280, 720), (640, 360), (1456, 1088), (492, 368))
"""What the camera is asked for, main and small; capture hangs where a size is missing."""


def require() -> None:
    """Make Picamera2 ready, or skip with the reason.

    The first caller decides; libcamera reads its files once.
    """
    reason = _prepare()
    if reason is not None:
        pytest.skip(reason)


def _write_pipeline(path: Path) -> None:
    """Describe the virtual camera, an IMX296 by name, and write the frames that it plays: one vehicle, and a gap."""
    frames = path.with_name("frames")
    frames.mkdir(parents=True, exist_ok=True)
    for number, still in enumerate(islice(open_recording(CLIP).stills(), *FRAMES)):
        cv2.imwrite(str(frames / f"{number}.jpg"), still.color(), [cv2.IMWRITE_JPEG_QUALITY, 97])
    sizes = "".join(f"  - {{width: {width}, height: {height}, frame_rates: [30, 60]}}\n" for width, height in SIZES)
    path.write_text(
        f'"Virtual0":\n  supported_formats:\n{sizes}  frames: {{path: "{frames}/"}}\n'
        '  location: "CameraLocationBack"\n  model: "imx296"\n',
        encoding="utf-8",
    )


def hang(camera: Any) -> None:
    """Take every buffer of an open camera and give none back: capture waits forever, as it does on a unit."""
    library = camera._camera
    held = [library.capture_request(wait=2.0) for _ in range(library.camera_configuration()["buffer_count"])]
    camera.held = held  # let go with the camera


@cache
def _prepare() -> str | None:
    if importlib.util.find_spec("libcamera") is None or importlib.util.find_spec("picamera2") is None:
        return "libcamera or picamera2 is missing: make test-camera"
    if SHIM not in os.environ:
        return "the preloaded library for libcamera is missing: make test-camera"
    _write_pipeline(Path(os.environ[SHIM]).absolute())
    _adapt(importlib.import_module("picamera2.picamera2"), importlib.import_module("libcamera"))
    return None


def _adapt(module: Any, libcamera: Any) -> None:
    class TwoPlanes(module.DmaAllocator):  # type: ignore[misc, name-defined]
        """Buffers whose luma and chroma are planes of their own in one piece of memory."""

        def allocate(self, configuration: Any, _use: object) -> None:
            self.libcamera_fds = []
            self.cleanup()
            for descriptor in self.open_fds:
                os.close(descriptor)
            self.open_fds = []
            self.frame_buffers = {}
            for stream in configuration:
                self.frame_buffers[stream.stream] = [self._buffer(stream) for _ in range(stream.buffer_count)]

        def _buffer(self, stream: Any) -> Any:
            descriptor = self.dmaHeap.alloc("buffer", stream.frame_size).get()
            self.open_fds.append(descriptor)
            luma = stream.stride * stream.size.height
            planes = []
            for offset, length in ((0, luma), (luma, stream.frame_size - luma)):
                plane = libcamera.FrameBuffer.Plane()
                plane.fd, plane.offset, plane.length = descriptor, offset, length
                planes.append(plane)
            # libcamera has a descriptor of its own by now, and that is the one by which buffers are known.
            self.libcamera_fds.append(planes[0].fd)
            self.mapped_buffers_used[planes[0].fd] = False
            buffer = libcamera.FrameBuffer(planes)
            both = mmap.PROT_READ | mmap.PROT_WRITE
            self.mapped_buffers[buffer] = mmap.mmap(descriptor, stream.frame_size, mmap.MAP_SHARED, both)
            return buffer

    module.DmaAllocator = TwoPlanes
    module.Picamera2._get_raw_modes = lambda _self: [{"format": "NV12", "size": SIZES[0]}]

"""GStreamer's RTSP server as a camera, where Debian's Python has its bindings; `make test-camera` brings them."""

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.brokers.daemon import free_port

PYTHON = "/usr/bin/python3"
PROGRAM = Path(__file__).with_name("gstreamer_server.py")
PASSWORD = "p:w/@ 1"


@cache
def is_there() -> bool:
    """Report whether the server and its plugins are installed."""
    script = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst; Gst.init(None); "
    script += "exit(not all(map(Gst.ElementFactory.find, ('x264enc', 'x265enc', 'jpegdec', 'rtph264pay'))))"
    try:
        return subprocess.run([PYTHON, "-c", script], capture_output=True, check=False, timeout=60).returncode == 0
    except OSError:
        return False


@contextmanager
def serving(pictures: Sequence[NDArray[np.uint8]], variant: str) -> Iterator[dict[str, Any]]:
    """Serve pictures; return the settings of the camera.

    Args:
        pictures: what it sees.
        variant: `h265`, `tls`, `clock` for a picture of the clock instead, or else H.264 with digest authentication.

    """
    if not is_there():
        pytest.skip("GStreamer's RTSP server is missing: make test-camera")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, picture in enumerate(pictures):
            cv2.imwrite(str(folder / f"{number:03d}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 97])
        port, words = free_port(), []
        settings: dict[str, Any] = {"url": f"rtsp://127.0.0.1:{port}/stream"}
        if variant == "h265":
            words = ["--h265"]
        elif variant == "clock":
            words = ["--clock"]
        elif variant == "tls":
            fleet = Fleet.create(folder / "fleet", agency="demo")
            words = ["--tls", str(fleet.broker.certificate), str(fleet.broker.private_key)]
            settings |= {"url": f"rtsps://127.0.0.1:{port}/stream", "ca_file": str(fleet.broker.authority)}
        else:
            (folder / "password").write_text(PASSWORD, encoding="utf-8")
            words = ["--digest", PASSWORD]
            settings |= {"user": "viewer", "password_file": str(folder / "password")}
        server = subprocess.Popen([PYTHON, PROGRAM, str(port), name, *words], stdout=subprocess.PIPE)
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"serving\n"
            yield settings
        finally:
            server.kill()
            server.communicate()


def painted_clock(gray: NDArray[np.uint8]) -> float:
    """Return the seconds since 1970 that a picture of `clock` shows."""
    bits = gray[gray.shape[0] // 2, gray.shape[1] // 96 :: gray.shape[1] // 48] > 128
    return sum(int(bit) << number for number, bit in enumerate(bits)) / 1000

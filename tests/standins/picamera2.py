"""A stand-in for picamera2: the surface that the device uses of it, over a sensor that exists in memory only.

The sensor is driven through `sensor`, and keeps a timed history of what was done to it, like gpiozero's MockPin::

    sensor.hang()                    # no frame comes any more; `sensor.resume()` heals it, or a power cycle does
    [what for delta, what, value in sensor.history]

It is as unforgiving as the real one: a request that is not given back is missing from the buffers, and a buffer that
was given back is overwritten at once. It does not simulate: optics, exposure (what controls are set is recorded, the
picture stays), the color of anything.

There is one camera, as there is one on a post.
"""

import time

BUFFERS_OVERWRITTEN = 0xAA
STEP_SECONDS = 0.005

CONTROLS = {
    "AeEnable": (False, True, True),
    "AfMode": (0, 2, 0),
    "AnalogueGain": (1.0, 16.0, 1.0),
    "AwbEnable": (False, True, None),
    "ExposureTime": (29, 15534385, 20000),
    "FrameDurationLimits": (16562, 15534444, 33333),
    "LensPosition": (0.0, 32.0, 1.0),
    "NoiseReductionMode": (0, 4, 0),
    "Saturation": (0.0, 32.0, 1.0),
}
"""Name -> least, most, default, as picamera2 says it of an IMX296; with LensPosition of an IMX708 besides."""


def noisy_gray(number, width, height):
    """Return the luma of a gray picture that differs from frame to frame, as a sensor's noise makes it."""
    row = bytearray(width)
    seed = number * 7919 + 17
    for x in range(width):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        row[x] = 96 + (seed >> 16) % 32
    return bytes(row) * height


class Sensor:
    """The sensor at the end of the ribbon, as someone outside sees it."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin again: a healthy IMX296 whose every frame differs, no history."""
        self.model = "imx296"
        self.picture = noisy_gray
        self.lux = 1000.0
        self.hung = False
        self.wedged = False
        self.unplugged = False
        self.needs_power_cycle = False
        self.frozen = None
        self.black = False
        self.outstanding = 0
        self.history: list[tuple[float, str, object]] = []
        self._last = time.monotonic()
        self._number = 0

    def hang(self, needs_power_cycle=False):
        """Give no frame any more, until `resume`, or, if that is what it needs, until its power was cycled."""
        self.hung = True
        self.needs_power_cycle = needs_power_cycle

    def wedge(self):
        """Hang in such a way that neither opening nor closing returns, as when a driver waits in the kernel."""
        self.hung = self.wedged = True

    def freeze(self):
        """Give the same frame again and again."""
        self.frozen = self._number

    def blacken(self):
        """Give black frames, without any noise."""
        self.black = True

    def unplug(self):
        """Be gone."""
        self.unplugged = True
        self.hung = True

    def resume(self) -> None:
        """Be healthy again."""
        self.hung = self.wedged = self.unplugged = self.black = self.needs_power_cycle = False
        self.frozen = None

    def power(self, on):
        """Hear of its supply being switched."""
        self.note("power", on)
        if on and self.needs_power_cycle:
            self.resume()

    def note(self, what, value=None):
        """Add to the history: seconds since the entry before, what, and its value."""
        now = time.monotonic()
        self.history.append((now - self._last, what, value))
        self._last = now

    def controls(self):
        """Return every control in the order it was set, as (name, value)."""
        return [pair for _, what, value in self.history if what == "controls" for pair in sorted(value.items())]

    def shoot(self, streams):
        """Return the next frame: a buffer per stream, luma and colorless chroma."""
        self._number += 1
        number = self._number if self.frozen is None else self.frozen
        buffers = {}
        for name, stream in streams.items():
            width, height = stream["size"]
            stride = stream["stride"]
            buffer = bytearray(b"\x80" * (stride * height * 3 // 2))
            luma = bytes(width * height) if self.black else self.picture(number, width, height)
            if stride == width:
                buffer[: width * height] = luma
            else:
                for y in range(height):
                    buffer[y * stride : y * stride + width] = luma[y * width : (y + 1) * width]
            buffers[name] = buffer
        return buffers


sensor = Sensor()


class CompletedRequest:
    """One frame, which must be given back."""

    def __init__(self, camera, buffers, metadata):
        self.config = camera.camera_configuration()
        self._camera = camera
        self._buffers = buffers
        self._metadata = metadata
        self._held = True
        sensor.outstanding += 1

    def get_metadata(self):
        """Return what the sensor says of the frame."""
        return dict(self._metadata)

    def release(self):
        """Give the frame back; its buffers are overwritten."""
        if not self._held:
            raise RuntimeError("CompletedRequest: lock now has negative ref_count")
        self._held = False
        sensor.outstanding -= 1
        for buffer in self._buffers.values():
            buffer[:] = bytes([BUFFERS_OVERWRITTEN]) * len(buffer)


class MappedArray:
    """The memory of one stream of a frame, without a copy."""

    def __init__(self, request, stream, reshape=True, write=True):
        if reshape:
            raise ValueError("the stand-in has buffers only: reshape=False")
        self._buffer = request._buffers[stream]
        self.array = None

    def __enter__(self):
        self.array = memoryview(self._buffer)
        return self

    def __exit__(self, kind, error, trace):
        self.array = None


class Job:
    """A frame that was asked for."""

    def __init__(self) -> None:
        self.cancelled = False


class Picamera2:
    """The camera."""

    @staticmethod
    def global_camera_info():
        """Say which cameras there are."""
        if sensor.unplugged:
            return []
        return [
            {"Model": sensor.model, "Location": 2, "Rotation": 0, "Id": "/base/soc/i2c0mux/i2c@1/stand-in", "Num": 0}
        ]

    def __init__(self, camera_num=0):
        sensor.note("open", camera_num)
        while sensor.wedged:
            time.sleep(STEP_SECONDS)
        if camera_num >= len(self.global_camera_info()):
            raise RuntimeError(f"No camera number {camera_num} found")
        self.camera_properties = {"Model": sensor.model, "PixelArraySize": (1456, 1088)}
        self.camera_controls = dict(CONTROLS)
        if not sensor.model.startswith("imx708"):
            del self.camera_controls["AfMode"]
            del self.camera_controls["LensPosition"]
        self._configuration = None
        self._started = False
        self._closed = False
        self._due = 0.0
        self._jobs = []

    def create_preview_configuration(
        self,
        main=None,
        lores=None,
        raw=None,
        buffer_count=4,
        controls=None,
        display="main",
        encode="main",
        queue=True,
        sensor=None,
    ):
        """Make a configuration."""
        self._check_controls(controls or {})
        return {
            "main": dict(main),
            "lores": None if lores is None else dict(lores),
            "raw": raw,
            "buffer_count": buffer_count,
            "controls": dict(controls or {}),
            "display": display,
            "encode": encode,
            "queue": queue,
            "sensor": sensor,
        }

    def configure(self, configuration):
        """Take a configuration; strides are rounded up, as the real one does."""
        for name in ("main", "lores"):
            stream = configuration[name]
            if stream is None:
                continue
            if stream["format"] not in ("YUV420", "NV12"):
                kind = stream["format"]
                raise RuntimeError(f"Bad format {kind} in stream {name}")
            width, height = stream["size"]
            if width % 2 or height % 2:
                raise RuntimeError("width and height should be even")
            stream["stride"] = (width + 63) // 64 * 64
            stream["framesize"] = stream["stride"] * height * 3 // 2
        self._configuration = configuration
        sensor.note("configure", {key: configuration[key] for key in ("main", "lores")})

    def camera_configuration(self):
        """Return the configuration in force."""
        return self._configuration

    def start(self):
        """Begin to give frames."""
        if self._configuration is None:
            raise RuntimeError("Camera has not been configured")
        sensor.note("controls", dict(self._configuration["controls"]))
        sensor.note("start")
        self._started = True

    def set_controls(self, controls):
        """Set controls."""
        self._check_controls(controls)
        sensor.note("controls", dict(controls))
        self._configuration["controls"].update(controls)

    def capture_request(self, wait=None):
        """Ask for the next frame; only without waiting."""
        if wait is not False:
            raise ValueError("the stand-in hands out jobs only: wait=False")
        job = Job()
        self._jobs.append(job)
        return job

    def wait(self, job, timeout=None):
        """Wait for a frame that was asked for."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self._ready():
            if job.cancelled:
                raise RuntimeError("the job was cancelled")
            if until is not None and time.monotonic() >= until:
                raise TimeoutError
            time.sleep(STEP_SECONDS)
        self._jobs.remove(job)
        self._due = (
            time.monotonic() + self._configuration["controls"].get("FrameDurationLimits", (33333, 33333))[0] / 1e6
        )
        streams = {name: self._configuration[name] for name in ("main", "lores") if self._configuration[name]}
        metadata = {
            "SensorTimestamp": int(time.monotonic() * 1e9),
            "ExposureTime": self._configuration["controls"].get("ExposureTime", 20000),
            "AnalogueGain": self._configuration["controls"].get("AnalogueGain", 1.0),
            "Lux": sensor.lux,
        }
        return CompletedRequest(self, sensor.shoot(streams), metadata)

    def cancel_all_and_flush(self):
        """Give up every frame that was asked for."""
        for job in self._jobs:
            job.cancelled = True
        self._jobs = []

    def stop(self):
        """Stop giving frames."""
        while sensor.wedged:
            time.sleep(STEP_SECONDS)
        if self._started:
            sensor.note("stop")
        self._started = False

    def close(self):
        """Let go of the camera; a second call does nothing."""
        if self._closed:
            return
        self.stop()
        self._closed = True
        sensor.note("close")

    def _ready(self):
        if not self._started or sensor.hung or sensor.outstanding >= self._configuration["buffer_count"]:
            return False
        return time.monotonic() >= self._due

    def _check_controls(self, controls):
        for name in controls:
            if name not in self.camera_controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")

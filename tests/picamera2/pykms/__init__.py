"""An inert stand-in for kmsxx's bindings, which Picamera2 imports for a display that no test has."""


class PixelFormat:
    """Names every format by its own name."""

    RGB888 = BGR888 = XRGB8888 = XBGR8888 = YUV420 = YVU420 = MJPEG = YUYV = YVYU = UYVY = VYUY = NV12 = NV21 = 0

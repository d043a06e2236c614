"""Feeds pictures to the devices of v4l2loopback, again and again: what a USB camera delivers.

feeder.py PICTURES.npy DEVICE:FORMAT...    such as /dev/video0:MJPG /dev/video1:YUYV
"""

import fcntl
import os
import sys
import time

import cv2
import numpy as np

from platepost.device.camera.v4l2 import kernel

OUTPUT = 2
"""V4L2_BUF_TYPE_VIDEO_OUTPUT."""
FRAMES_PER_SECOND = 10


def main() -> None:
    """Feed until killed."""
    pictures = np.load(sys.argv[1])
    height, width = pictures[0].shape
    feeds = []
    for each in sys.argv[2:]:
        path, _, code = each.partition(":")
        file = os.open(path, os.O_RDWR)
        form = kernel._Format(type=OUTPUT, width=width, height=height, pixelformat=kernel.fourcc(code), field=1)
        form.sizeimage, form.bytesperline = width * height * 2, width * 2 if code == "YUYV" else 0
        fcntl.ioctl(file, kernel.S_FMT, form)
        feeds.append((file, [jpeg(picture) if code == "MJPG" else yuyv(picture) for picture in pictures]))
    number, begin = 0, time.monotonic()
    while True:
        for file, contents in feeds:
            os.write(file, contents[number % len(contents)])
        number += 1
        if number == 1:
            sys.stdout.write("feeding\n")
            sys.stdout.flush()
        time.sleep(max(0.0, begin + number / FRAMES_PER_SECOND - time.monotonic()))


def jpeg(gray: np.ndarray) -> bytes:
    """Return a picture as JPEG of three components, full range."""
    color = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    return cv2.imencode(".jpg", color, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


def yuyv(gray: np.ndarray) -> bytes:
    """Return a picture as YUYV of limited range, without color."""
    limited = np.rint(gray * (219 / 255) + 16).astype(np.uint8)
    return np.dstack([limited, np.full_like(gray, 128)]).tobytes()


if __name__ == "__main__":
    main()

"""What runs on the post; imports nothing of the other folders. Read `platepost.device.post` first."""

import os

# OpenCV reads it when it is loaded. Its own limit of 2^30 lets a picture file of 100 KB take gigabytes; the largest
# sensors of phones have 2^27.6 pixels, and no one reads plates with them at full size.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**28))

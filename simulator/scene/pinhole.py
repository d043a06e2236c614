"""The post's lens: a pinhole that maps the street's meters to the frame's pixels.

The street: x to the right, y up, z away from the post along the road; the post stands at x = z = 0.
Pixels follow OpenCV: the center of the first pixel is (0, 0).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

_NEAR = 1.0
_FAR = 300.0


@dataclass(frozen=True)
class Pinhole:
    """A camera without distortion; angles in degrees, lengths in meters, `focal` in pixels."""

    width: int
    height: int
    focal: float
    mount: float
    offset: float = 0.0
    pitch: float = 0.0
    yaw: float = 0.0
    roll: float = 0.0

    @property
    def position(self) -> NDArray[np.float64]:
        """Where the lens is in the street, in meters."""
        return np.array([self.offset, self.mount, 0.0])

    @cached_property
    def rotation(self) -> NDArray[np.float64]:
        """The 3 x 3 matrix from the street's axes to the camera's (right, up, forward)."""
        pitch, yaw, roll = np.radians([self.pitch, self.yaw, self.roll])
        about_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
        about_y = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
        about_z = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        return np.asarray(about_z @ about_x @ about_y)

    def project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pixels (N x 2) of street points (N x 3) that lie in front of the lens."""
        seen = (points - self.position) @ self.rotation.T
        depth = seen[:, 2]
        across = self.width / 2 - 0.5 + self.focal * seen[:, 0] / depth
        down = self.height / 2 - 0.5 - self.focal * seen[:, 1] / depth
        return np.stack([across, down], axis=1)

    def rays(self, scale: int) -> NDArray[np.float64]:
        """Directions (H*scale x W*scale x 3) in the street of a grid `scale` times finer than the pixels."""
        across = (np.arange(self.width * scale) + 0.5) / scale - self.width / 2
        down = (np.arange(self.height * scale) + 0.5) / scale - self.height / 2
        grid_x, grid_y = np.meshgrid(across / self.focal, -down / self.focal)
        seen = np.stack([grid_x, grid_y, np.ones_like(grid_x)], axis=-1)
        return np.asarray(seen @ self.rotation)

    def matrix(self, jitter: tuple[float, float] = (0.0, 0.0)) -> NDArray[np.float64]:
        """Give OpenGL's 4 x 4 clip matrix for column vectors; `jitter` shifts the picture by parts of a pixel."""
        wide, high = 2 / self.width, 2 / self.height
        span = _FAR - _NEAR
        projection = np.array(
            [
                [wide * self.focal, 0, wide * jitter[0], 0],
                [0, high * self.focal, high * jitter[1], 0],
                [0, 0, (_FAR + _NEAR) / span, -2 * _FAR * _NEAR / span],
                [0, 0, 1, 0],
            ],
        )
        view = np.eye(4)
        view[:3, :3] = self.rotation
        view[:3, 3] = -self.rotation @ self.position
        return np.asarray(projection @ view)

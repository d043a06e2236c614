"""Rain: short streaks in the air, drops on the window of the housing, spray."""

import cv2
import numpy as np
from numpy.typing import NDArray

_FALL = 8.0  # meters a second, of drops that are seen


class Rain:
    """Rain of an amount in [0, 1] before a lens; what falls follows from the seed and the frame's number."""

    def __init__(self, size: tuple[int, int], *, seed: int, amount: float, focal: float, shutter: float) -> None:
        self.width, self.height = size
        self.seed, self.amount, self.focal, self.shutter = seed, amount, focal, shutter
        rng = np.random.default_rng([seed, 6])
        self._drops = [
            (float(rng.uniform(0, self.width)), float(rng.uniform(0, self.height)), float(rng.uniform(6, 22)))
            for _ in range(round(14 * amount))
        ]

    def streaks(self, frame: int) -> NDArray[np.float32]:
        """Cover of the falling drops in a frame, H x W."""
        rng = np.random.default_rng([self.seed, 7, frame])
        cover = np.zeros((self.height, self.width), np.float32)
        for _ in range(int(520 * self.amount)):
            distance = rng.uniform(2.0, 22.0)
            long = _FALL * self.shutter * self.focal / distance * 2.0
            wide = max(0.003 * self.focal / distance, 0.5)
            x, y = rng.uniform(0, self.width), rng.uniform(-20, self.height)
            lean = 0.12 * long
            strength = float(min(1.0, wide / 2)) * rng.uniform(0.06, 0.24)
            start, end = (round(x * 16), round(y * 16)), (round((x + lean) * 16), round((y + long) * 16))
            cv2.line(cover, start, end, strength, max(1, round(wide)), cv2.LINE_AA, 4)
        return np.asarray(cv2.GaussianBlur(cover, (0, 0), 0.9), np.float32)

    def on_window(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the picture through drops on the housing's window: each shows the street upside down, out of focus."""
        for x, y, radius in self._drops:
            left, top, right, bottom = (int(v) for v in (x - radius, y - radius, x + radius, y + radius))
            if left < 0 or top < 0 or right >= self.width or bottom >= self.height:
                continue
            patch = picture[top:bottom, left:right]
            turned = cv2.GaussianBlur(patch[::-1, ::-1].copy(), (0, 0), radius * 0.3)
            rows, columns = np.mgrid[0 : patch.shape[0], 0 : patch.shape[1]]
            away = np.hypot(rows - radius, columns - radius) / radius
            cover = np.asarray(np.clip((1 - away) * 2.2, 0, 1) * 0.55, np.float32)[..., None]
            patch += cover * (turned * 1.12 - patch)
        return picture

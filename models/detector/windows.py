"""Training windows: a piece of a real photo at the detector's scale, with plates pasted in, and what is known of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.vision.detector import PADDING
from platepost.models.detector.geometry import flip_corners, input_scale
from platepost.models.scenes.distractors import overlay_caption
from platepost.models.scenes.paste import paste, project_corners, random_pose
from platepost.models.scenes.photometry import disturb, to_gray
from platepost.models.scenes.photos import Photo
from platepost.models.scenes.plain import render_plain_scene

Picture = NDArray[np.uint8]
MINIMUM_WIDTH = 11.0
MINIMUM_HEIGHT = 4.5
"""Plates smaller than this at the input's scale are neither plate nor background: ignored."""
LARGEST_DISTRACTOR = 290.0


@dataclass(frozen=True)
class LabelledPlate:
    """A plate in a window. `corners` [4, 2] in window pixels; `boxed`: only their bounding box is known to be true."""

    corners: NDArray[np.float32]
    boxed: bool


@dataclass(frozen=True)
class TrainingWindow:
    """A gray window [H, W], the plates in it, and boxes [N, 4] in which nothing is known."""

    gray: Picture
    targets: tuple[LabelledPlate, ...]
    ignored: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))


@dataclass(frozen=True)
class Augmentation:
    """How windows are made. Sizes in pixels of the detector's input; probabilities per window or per plate."""

    height: int = 208
    width: int = 320
    replace_plate: float = 0.45
    paste_free: float = 0.45
    distractors: float = 0.5
    caption: float = 0.15
    plain: float = 0.1
    """How often the window is of no photo but a drawn scene without texture."""
    median_plate: float = 34.0


PictureSource = Callable[[np.random.Generator], Picture]


class WindowSampler:
    """Draws training windows; `plates` and `distractors` give flat BGR or BGRA pictures, cut at their outer edge."""

    def __init__(
        self, photos: Sequence[Photo], *, plates: PictureSource, distractors: PictureSource, augmentation: Augmentation
    ) -> None:
        self._photos = photos
        self._plates = plates
        self._distractors = distractors
        self._augmentation = augmentation

    def sample(self, rng: np.random.Generator) -> TrainingWindow:
        """Return one window, changed in light and noise."""
        if rng.random() < self._augmentation.plain:
            pixels = render_plain_scene(rng, height=self._augmentation.height, width=self._augmentation.width)
            boxes = doubtful = np.zeros((0, 4), np.float32)
        else:
            pixels, boxes, doubtful = self._cut(self._photos[int(rng.integers(len(self._photos)))], rng)
        targets, ignored = self._sort([LabelledPlate(_corners_of(box), boxed=True) for box in boxes])
        ignored = np.concatenate([ignored, doubtful])
        if rng.random() < self._augmentation.distractors:
            self._add_distractors(pixels, targets, rng)
        targets = [self._replace(pixels, target, rng) for target in targets]
        if rng.random() < self._augmentation.paste_free:
            targets += self._add_plates(pixels, targets, rng)
        if rng.random() < self._augmentation.caption:
            overlay_caption(pixels, rng)
        if rng.random() < 0.5:
            pixels = np.ascontiguousarray(pixels[:, ::-1])
            width = float(pixels.shape[1])
            targets = [replace(target, corners=flip_corners(target.corners, width=width)) for target in targets]
            ignored[:, [0, 2]] = width - ignored[:, [2, 0]]
        return TrainingWindow(disturb(to_gray(pixels, rng), rng), tuple(targets), ignored)

    def _cut(self, photo: Photo, rng: np.random.Generator) -> tuple[Picture, NDArray[np.float32], NDArray[np.float32]]:
        """Cut a window at a random scale; return it with boxes and doubtful boxes in window pixels."""
        augmentation, (height, width) = self._augmentation, photo.pixels.shape[:2]
        scale = input_scale(width=width, height=height) * float(np.exp(rng.uniform(np.log(0.5), np.log(1.6))))
        chosen = photo.boxes[int(rng.integers(len(photo.boxes)))] if len(photo.boxes) else None
        if chosen is not None and rng.random() < 0.6:
            target = np.clip(augmentation.median_plate * np.exp(rng.normal(0, 0.8)), 14, 300)
            scale = float(target / max(chosen[2] - chosen[0], 4))
        window = np.array([augmentation.width, augmentation.height], np.float32)
        scale = float(np.clip(scale, 0.85 * (window / (width, height)).max(), 1.6))
        room = np.array([width, height]) * scale - window
        origin = np.where(room > 0, rng.uniform(0, 1, 2) * room, room * rng.uniform(0, 1, 2))
        if chosen is not None and rng.random() < 0.85:
            middle = (chosen[:2] + chosen[2:]) / 2 * scale
            reach = np.maximum(window / 2 - (chosen[2:] - chosen[:2]) / 2 * scale, 0)
            origin = middle + rng.uniform(-1, 1, 2) * reach - window / 2
            if rng.random() < 0.9:  # no more padding than the photo's shape asks for
                origin = np.clip(origin, np.minimum(room, 0), np.maximum(room, 0))
        stretch = np.exp(rng.normal(0, 0.06))
        fx, fy = scale * stretch, scale / stretch
        pixels = _resample(
            photo.pixels, (fx, fy), origin * (stretch, 1 / stretch), (augmentation.width, augmentation.height)
        )
        factors, shift = np.array([fx, fy, fx, fy]), np.tile(origin * (stretch, 1 / stretch), 2)
        boxes, doubtful = photo.boxes * factors - shift, photo.doubtful * factors - shift
        return pixels, boxes.astype(np.float32), doubtful.astype(np.float32)

    def _sort(self, targets: list[LabelledPlate]) -> tuple[list[LabelledPlate], NDArray[np.float32]]:
        """Part plates that are whole and large enough from those that are to be ignored; forget those outside."""
        kept, ignored = [], []
        size = np.array([self._augmentation.width, self._augmentation.height], np.float32)
        for target in targets:
            low, high = target.corners.min(axis=0), target.corners.max(axis=0)
            inside = np.maximum(np.minimum(high, size) - np.maximum(low, 0), 0).prod()
            if inside <= 0:
                continue
            whole = inside / max((high - low).prod(), 1e-6) > 0.93
            large = high[0] - low[0] >= MINIMUM_WIDTH and high[1] - low[1] >= MINIMUM_HEIGHT
            if whole and large:
                kept.append(target)
            else:
                ignored.append(np.concatenate([low, high]))
        return kept, np.array(ignored, np.float32).reshape(-1, 4)

    def _replace(self, pixels: Picture, target: LabelledPlate, rng: np.random.Generator) -> LabelledPlate:
        """Cover a real plate by a synthetic one of similar size, whose corners are known."""
        if rng.random() >= self._augmentation.replace_plate:
            return target
        low, high = target.corners.min(axis=0), target.corners.max(axis=0)
        size = high - low
        plate = self._plates(rng)
        aspect = plate.shape[1] / plate.shape[0]
        _fill(pixels, low, high, rng)
        width = float(np.sqrt(size.prod() * aspect) * rng.uniform(0.95, 1.3))
        centre = (low + high) / 2 + rng.normal(0, 0.04, 2) * size
        return self._put(pixels, plate, width=width, centre=centre, rng=rng) or target

    def _add_plates(
        self, pixels: Picture, targets: Sequence[LabelledPlate], rng: np.random.Generator
    ) -> list[LabelledPlate]:
        added: list[LabelledPlate] = []
        for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
            width = float(np.clip(self._augmentation.median_plate * np.exp(rng.normal(0, 0.65)), 16, 250))
            centre = rng.uniform(0, 1, 2) * (self._augmentation.width, self._augmentation.height)
            box = np.concatenate([centre - width * 0.7, centre + width * 0.7])
            if any(_overlap(box, target) for target in [*targets, *added]):
                continue
            window = self._put(pixels, self._plates(rng), width=width, centre=centre, rng=rng)
            added += [window] if window else []
        return added

    def _put(
        self, pixels: Picture, plate: Picture, *, width: float, centre: NDArray[np.floating], rng: np.random.Generator
    ) -> LabelledPlate | None:
        """Paste a plate, perhaps in a frame or recess, with the light of its surroundings; None if not inside."""
        aspect, pose = plate.shape[1] / plate.shape[0], random_pose(rng)
        place = (float(centre[0]), float(centre[1]))
        corners = project_corners(width=width, aspect=aspect, centre=place, pose=pose)
        target = LabelledPlate(corners, boxed=False)
        if not self._sort([target])[0]:
            return None
        blur = float(rng.choice([0.0, rng.uniform(0.3, 0.9)], p=[0.6, 0.4]))
        if rng.random() < 0.4:  # frame of the dealer, or the recess: darker or lighter, letters now and then
            grow = 1 + rng.uniform(0.03, 0.22, 2)
            shade = np.full((20, 40, 3), int(np.clip(rng.normal(60, 60), 0, 255)), np.uint8)
            if rng.random() < 0.2:
                shade = self._distractors(rng)
            outer = project_corners(width=width * grow[0], aspect=aspect * grow[0] / grow[1], centre=place, pose=pose)
            paste(pixels, shade, outer, blur=blur)
        paste(pixels, _lit(plate, pixels, corners, rng), corners, blur=blur)
        return target

    def _add_distractors(self, pixels: Picture, targets: Sequence[LabelledPlate], rng: np.random.Generator) -> None:
        for _ in range(int(rng.integers(1, 5))):
            picture = self._distractors(rng)
            width = float(np.exp(rng.uniform(np.log(12), np.log(LARGEST_DISTRACTOR))))
            aspect = picture.shape[1] / picture.shape[0] * rng.uniform(0.8, 1.25)
            centre = rng.uniform(0, 1, 2) * (self._augmentation.width, self._augmentation.height)
            pose = random_pose(rng)
            corners = project_corners(width=width, aspect=aspect, centre=(centre[0], centre[1]), pose=pose)
            box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
            if not any(_overlap(box, target) for target in targets):
                paste(pixels, picture, corners, blur=float(rng.choice([0.0, 0.5])))


def _resample(
    pixels: Picture, factor: tuple[float, float], origin: NDArray[np.floating], size: tuple[int, int]
) -> Picture:
    """Scale, by area where it shrinks, and cut a window of this size (w, h); gray outside of the photo."""
    fx, fy = factor
    height, width = pixels.shape[:2]
    left, top = max(0, int(origin[0] / fx) - 2), max(0, int(origin[1] / fy) - 2)
    right = min(width, int((origin[0] + size[0]) / fx) + 3)
    bottom = min(height, int((origin[1] + size[1]) / fy) + 3)
    window = np.full((size[1], size[0], 3), PADDING, np.uint8)
    if right - left < 2 or bottom - top < 2:
        return window
    part = np.ascontiguousarray(pixels[top:bottom, left:right])
    if min(fx, fy) < 0.6:  # halve first by area, as the device's INTER_AREA would
        scaled = (max(2, round((right - left) * fx)), max(2, round((bottom - top) * fy)))
        part = np.asarray(cv2.resize(part, scaled, interpolation=cv2.INTER_AREA), np.uint8)
    sx, sy = part.shape[1] / (right - left), part.shape[0] / (bottom - top)
    ax, ay = fx / sx, fy / sy
    matrix = np.array(
        [[ax, 0, (0.5 * ax - 0.5) + left * fx - origin[0]], [0, ay, (0.5 * ay - 0.5) + top * fy - origin[1]]],
        np.float32,
    )
    gray = (PADDING,) * 3
    return cv2.warpAffine(part, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=gray)  # type: ignore[return-value]


def _fill(pixels: Picture, low: NDArray[np.float32], high: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Paint over a real plate with the colors beside it, so that a narrower one may take its place."""
    height, width = pixels.shape[:2]
    size = high - low
    left, top = np.clip(np.floor(low - 0.06 * size), 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(np.ceil(high + 0.06 * size), (left + 1, top + 1), (width, height)).astype(int)
    side = np.concatenate([pixels[top:bottom, max(left - 3, 0) : left + 1].reshape(-1, 3),
                           pixels[top:bottom, right - 1 : right + 3].reshape(-1, 3)])  # fmt: skip
    color = np.median(side, axis=0)
    shape = (bottom - top, right - left, 3)
    gradient = np.linspace(-1, 1, shape[0])[:, None, None] * rng.normal(0, 12)
    pixels[top:bottom, left:right] = np.clip(color + gradient + rng.normal(0, 3, shape), 0, 255).astype(np.uint8)


def _lit(plate: Picture, pixels: Picture, corners: NDArray[np.float32], rng: np.random.Generator) -> Picture:
    """Bring the plate to a brightness that the surroundings allow: plates are mostly brighter than bodywork."""
    low = np.clip(corners.min(axis=0).astype(int) - 6, 0, None)
    high = corners.max(axis=0).astype(int) + 6
    around = pixels[low[1] : high[1], low[0] : high[0]]
    level = float(around.mean()) if around.size else 110.0
    target = np.clip(level * rng.uniform(0.8, 1.7) + rng.uniform(0, 50), 25, 245)
    if rng.random() < 0.2:
        target = rng.uniform(30, 240)
    white = max(float(np.percentile(plate[::4, ::4, :3], 90)), 30.0)
    gain, haze = min(target / white, 2.2), rng.uniform(0, 0.25) ** 1.5 * target
    lit: Picture = np.clip(plate[..., :3] * (gain * (1 - haze / 255)) + haze, 0, 255).astype(np.uint8)
    return np.concatenate([lit, plate[..., 3:]], axis=2)


def _corners_of(box: NDArray[np.float32]) -> NDArray[np.float32]:
    left, top, right, bottom = box
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def _overlap(box: NDArray[np.floating], target: LabelledPlate) -> bool:
    low, high = target.corners.min(axis=0) - 4, target.corners.max(axis=0) + 4
    return bool(np.all(np.minimum(high, box[2:]) > np.maximum(low, box[:2])))

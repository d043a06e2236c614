"""Batches: labeled vehicles in other light, weather, distance and frames each time."""

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch

from platepost.device.vision.vehicle import ACROSS, BELOW, EMPTY, HEIGHT, WIDTH
from platepost.models.vehicle.photos import MIDDLE, OPEN, SCALE, UNCOLORED, Labeled

Batch = tuple[torch.Tensor, torch.Tensor]
"""Pictures, uint8 N x 3 x 64 x 80, and their classes, int64 N x 3."""

_PLATE: Final = WIDTH / ACROSS
_DARK: Final = 30.0
"""Mean value of a picture below which no color is told."""


def batches(known: Labeled, *, size: int, seed: int, step: int = 0) -> Iterator[Batch]:
    """Draw batches for ever, others from each step on that a training goes on from; what is rare more often."""
    rng = np.random.default_rng([seed, step])
    shares = _rarity(known.answers)
    while True:
        chosen = rng.choice(len(known.answers), size, p=shares)
        drawn = [varied(known.rooms[number], known.answers[number], rng) for number in chosen]
        pictures = np.stack([picture for picture, _ in drawn]).transpose(0, 3, 1, 2)
        yield torch.from_numpy(np.ascontiguousarray(pictures)), torch.from_numpy(np.stack([a for _, a in drawn]))


def _rarity(answers: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Shares by which vehicles are drawn: one over the fourth root of kind's and color's frequency each."""
    shares = np.ones(len(answers))
    for column in (0, 1):
        classes, places, counts = np.unique(answers[:, column], return_inverse=True, return_counts=True)
        weights = np.where(classes == OPEN, counts.mean(), counts) ** -0.4
        shares *= weights[places]
    return np.asarray(shares / shares.sum())


def varied(
    room: npt.NDArray[np.uint8], answer: npt.NDArray[np.int64], rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return a kept vehicle seen otherwise, 64 x 80 x 3, and what can be told of it then."""
    picture = _cut(
        room,
        scale=float(np.exp(rng.normal(0, 0.1))),
        shift=(float(rng.normal(0, 0.3)), float(rng.normal(0, 0.25))),
        turn=float(rng.normal(0, 2.5)),
        flip=bool(rng.random() < 0.5),
    )
    answer = answer.copy()
    lit = _lit(picture, rng) if rng.random() < 0.85 else picture.astype(np.float32)
    if rng.random() < 0.12:
        lit = np.repeat(lit.mean(axis=2, keepdims=True), 3, axis=2)
        answer[1] = UNCOLORED
    elif rng.random() < 0.06:  # lamps of sodium, dusk, a lens without a filter
        lit *= rng.uniform(0.35, 1.0, 3).astype(np.float32)
        answer[1] = UNCOLORED if answer[1] != OPEN else OPEN
    if lit.mean() < _DARK:
        answer[1] = UNCOLORED
    lit = _blurred(lit, rng)
    lit += np.float32(rng.uniform(0, 7)) * rng.standard_normal(lit.shape, np.float32)
    picture = np.clip(lit, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        picture = _compressed(picture, rng)
    for share in (0.4, 0.3):
        if rng.random() < share:
            _cut_off(picture, rng)
    return picture, answer


def _cut(
    room: npt.NDArray[np.uint8], *, scale: float, shift: tuple[float, float], turn: float, flip: bool
) -> npt.NDArray[np.uint8]:
    way = np.asarray(cv2.getRotationMatrix2D(MIDDLE, turn, scale * _PLATE / SCALE), np.float64)
    way[:, 2] += np.array([WIDTH / 2 + shift[0] * _PLATE, HEIGHT - (BELOW - shift[1]) * _PLATE]) - MIDDLE
    if flip:
        way[0] = [-way[0, 0], -way[0, 1], WIDTH - way[0, 2]]
    cut = cv2.warpAffine(room, way, (WIDTH, HEIGHT), flags=cv2.INTER_AREA, borderValue=(EMPTY,) * 3)
    return np.asarray(cut, np.uint8)


def _lit(picture: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Change light, contrast, saturation and white balance a little, and seldom much."""
    light = 255 * (np.arange(256) / 255) ** np.exp(rng.normal(0, 0.12))
    if rng.random() < 0.1:
        light *= rng.uniform(0.12, 0.8)
    contrast, saturation = rng.uniform(0.85, 1.15), rng.uniform(0.75, 1.25)
    light = (light - EMPTY) * contrast + EMPTY + rng.normal(0, 5)
    lit = light.astype(np.float32)[picture]
    # Each channel is itself, and some of the mean of all three, as saturation has it.
    mixed = (saturation * np.eye(3) + (1 - saturation) / 3) * np.exp(rng.normal(0, 0.03, (3, 1)))
    return np.asarray(cv2.transform(lit, mixed), np.float32)


def _blurred(picture: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    kind = rng.random()
    if kind < 0.25:
        blurred = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.4, 1.6)))
    elif kind < 0.35:
        small = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        blurred = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    else:
        return picture
    return np.asarray(blurred, np.float32)


def _compressed(picture: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    _, content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 90))])
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)


def _cut_off(picture: npt.NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Have the frame end somewhere above, below or beside the plate, as it does for what is near."""
    side, part = rng.random(), rng.random()
    if side < 0.4:
        picture[: int(part * 0.6 * HEIGHT)] = EMPTY
    elif side < 0.55:
        picture[HEIGHT - int(part * 11) :] = EMPTY
    elif side < 0.775:
        picture[:, : int(part * 0.4 * WIDTH)] = EMPTY
    else:
        picture[:, WIDTH - int(part * 0.4 * WIDTH) :] = EMPTY

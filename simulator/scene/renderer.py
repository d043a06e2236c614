"""Draws a scene frame by frame, with the truth of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.simulator.scene.canvas import Canvas, PlacedVehicle
from platepost.simulator.scene.description import Scene
from platepost.simulator.scene.light import LIGHTS, Lighting, between
from platepost.simulator.scene.pinhole import Pinhole
from platepost.simulator.scene.road import lay_street
from platepost.simulator.scene.sensor import Optics
from platepost.simulator.scene.traffic import drives, vehicle_of
from platepost.simulator.scene.truth import VisiblePlate
from platepost.simulator.scene.vehicles import Vehicle

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


_LAMP_LIGHT = 11.0  # of a lit headlamp by day, in white sheets in full sun


@dataclass(frozen=True)
class Shot:
    """One frame and what is truly in it."""

    picture: NDArray[np.uint8]  # H x W x 3, blue-green-red
    sights: list[VisiblePlate]


class Renderer:
    """Draws the frames of a scene in any order; the same scene gives the same frames on the same graphics driver.

    Raises NoGraphicsError when no OpenGL context can be made.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        lens, seed = scene.lens, scene.clip.seed
        self.lens = Pinhole(
            lens.width, lens.height, lens.focal, lens.mount, lens.offset, lens.pitch, lens.yaw, lens.roll
        )
        self._canvas = Canvas(self.lens, seed=seed)
        self._street = lay_street(self.lens, scene.street)
        self._drives = drives(scene)
        self._vehicles: dict[int, Vehicle] = {}
        size = (lens.width, lens.height)
        self._sensor = Optics(size, seed=seed, softness=lens.softness)
        self._rain = Rain(size, seed=seed, amount=scene.weather.rain, focal=lens.focal, shutter=lens.shutter)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._canvas.close()

    def __len__(self) -> int:
        return round(self.scene.clip.seconds * self.scene.clip.fps)

    def __iter__(self) -> Iterator[Shot]:
        return (self.shot(number) for number in range(len(self)))

    def light(self, time: float) -> Lighting:
        """Give the light at an instant of the clip."""
        weather = self.scene.weather
        now = LIGHTS[weather.light]
        if weather.later is None:
            return now
        begin, end = weather.turn
        share = float(np.clip((time - begin) / max(end - begin, 1e-6), 0, 1))
        return between(now, LIGHTS[weather.later], share)

    def _placed(self, time: float, indexes: list[int]) -> list[PlacedVehicle]:
        return [PlacedVehicle(self._vehicles[index], self._drives[index].street(time), index) for index in indexes]

    def _in_view(self, time: float) -> list[int]:
        """List passings in view, nearest first."""
        near = [(drive.place(time)[1], index) for index, drive in enumerate(self._drives) if drive.in_view(time, 6.0)]
        indexes = [index for _, index in sorted(near)]
        for index in set(self._vehicles) - set(indexes):
            del self._vehicles[index]
        self._canvas.release_except(set(indexes))
        for index in indexes:
            if index not in self._vehicles:
                self._vehicles[index] = vehicle_of(self.scene, index)
        return indexes

    def _sights(self, placed: list[PlacedVehicle]) -> list[VisiblePlate]:
        """Corners at mid exposure; the visible share counts what is hidden and what lies outside the frame."""
        visible = []
        for one, open_share in zip(placed, self._canvas.visible(placed), strict=True):
            corners = one.vehicle.plate_corners
            street = np.concatenate([corners, np.ones((4, 1))], axis=1) @ one.to_street.T
            if street[:, 2].min() < 2:
                continue
            pixels = self.lens.project(street[:, :3])
            inside = _share_inside(pixels, self.lens.width, self.lens.height)
            if inside > 0:
                visible.append(VisiblePlate(one.key, pixels, inside * open_share))
        return visible

    def shot(self, number: int) -> Shot:
        """Draw one frame."""
        clip, weather = self.scene.clip, self.scene.weather
        middle = number / clip.fps
        light = self.light(middle)
        rng = np.random.default_rng([clip.seed, 8, number])
        linear = self._street.radiance(light, wet=weather.rain)
        indexes = self._in_view(middle)
        sights: list[VisiblePlate] = []
        if indexes:
            lamps = weather.lamps * _LAMP_LIGHT
            if weather.rain:
                linear = self._reflect(linear, self._placed(middle, indexes), light, lamps)
            shutter = self.scene.lens.shutter
            instants = middle + ((np.arange(clip.samples) + 0.5) / clip.samples - 0.5) * shutter
            moments = [self._placed(float(instant), indexes) for instant in instants]
            drawn = self._canvas.draw(moments, light, lamps=lamps, rng=rng)
            linear = linear * (1 - drawn[..., 3:]) + drawn[..., :3]
            sights = self._sights(self._placed(middle, indexes))
        if weather.rain:
            linear = self._wet_air(linear, light, number)
        return Shot(self._sensor.expose(linear, light, frame=number, glare=weather.glare), sights)

    def _reflect(
        self, linear: NDArray[np.float32], placed: list[PlacedVehicle], light: Lighting, lamps: float
    ) -> NDArray[np.float32]:
        mirrored = self._canvas.mirror(placed, light, lamps=lamps)
        mirrored = np.asarray(cv2.GaussianBlur(mirrored, (0, 0), sigmaX=2.5, sigmaY=14), np.float32)
        share = self._street.reflecting[..., None] * (0.42 * self.scene.weather.rain)
        return np.asarray(linear * (1 - share * mirrored[..., 3:]) + share * mirrored[..., :3], np.float32)

    def _wet_air(self, linear: NDArray[np.float32], light: Lighting, number: int) -> NDArray[np.float32]:
        amount = self.scene.weather.rain
        sky = np.array(light.horizon, np.float32) + np.float32(light.lamp_power * 0.4)
        haze = (self._street.haze * (0.35 * amount))[..., None]
        linear = linear * (1 - haze) + sky * haze
        streaks = self._rain.streaks(number)[..., None]
        linear = linear + streaks * (sky * 1.1 - linear)
        return self._rain.on_window(np.ascontiguousarray(linear, np.float32))


def _share_inside(corners: NDArray[np.float64], width: int, height: int) -> float:
    """Give the share of a convex quadrilateral's area that lies inside the frame."""
    quad = corners.astype(np.float32)
    whole = abs(cv2.contourArea(quad))
    frame = np.array([[-0.5, -0.5], [width - 0.5, -0.5], [width - 0.5, height - 0.5], [-0.5, height - 0.5]], np.float32)
    inside, _ = cv2.intersectConvexConvex(quad, frame)
    return float(inside / whole) if whole > 0 else 0.0

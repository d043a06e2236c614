"""The street without traffic: every pixel's ray is followed to asphalt, paint, curb, pavement, verge, wall or trunk."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.simulator.scene.light import Lighting
from platepost.simulator.scene.noise import Field, at, smooth, tile
from platepost.simulator.scene.pinhole import Pinhole

CURB, CURB_HIGH, WALL = 4.05, 0.15, 7.2  # meters from the middle of the road; the curb's height
_FINER = 2  # rays across a pixel


@dataclass(frozen=True)
class Street:
    """What the empty street sends to each pixel for each kind of light, linear, H x W x 3 (or H x W)."""

    albedo: Field
    sunlit: Field  # albedo where the sun reaches
    lamp: Field  # albedo with the fall of the post's own lamp
    reflecting: Field  # share of the wet surface that mirrors, H x W
    haze: Field  # share of light lost to the air between, at full rain or fog, H x W

    def radiance(self, light: Lighting, *, wet: float) -> Field:
        """Give the frame without traffic under a light."""
        sun_height = float(light.towards_sun[1])
        sky = np.array(light.zenith, np.float32) * 0.6 + np.array(light.horizon, np.float32) * 0.4
        sun = np.array(light.sun, np.float32) * sun_height
        total = (self.albedo * sky + self.sunlit * sun) * (1 - 0.35 * wet)
        total += self.lamp * light.lamp_power
        if wet:
            total += wet * self.reflecting[..., None] * np.array(light.horizon, np.float32) * 0.30
        return np.asarray(total, np.float32)


def _tint(level: NDArray[np.floating], color: tuple[float, float, float]) -> Field:
    return np.asarray(level[..., None] * np.array(color, np.float32), np.float32)


def _asphalt(rng: np.random.Generator, x: Field, z: Field) -> tuple[Field, Field]:
    """Linear reflectance of the carriageway, and where water stands."""
    fine, mid, wide = (
        tile(rng, size=1024, grain=grain, octaves=octaves) for grain, octaves in ((1.0, 1), (8.0, 3), (40.0, 3))
    )
    level = 0.125 + 0.018 * at(fine, x, z, pitch=0.012) + 0.010 * at(mid, x, z, pitch=0.02)
    level += 0.012 * at(wide, x, z, pitch=0.05) + 0.008 * at(wide, x * 3, z * 0.25, pitch=0.05)
    water = 0.55 + 0.35 * at(wide, x * 1.4, z * 0.6, pitch=0.03)
    for middle in (-1.55, 1.55):
        level += 0.010 * (np.exp(-(((x - middle + 0.75) / 0.28) ** 2)) + np.exp(-(((x - middle - 0.75) / 0.28) ** 2)))
        drip = np.exp(-(((x - middle) / 0.30) ** 2)) * (0.6 + 0.3 * at(mid, x, z * 0.2, pitch=0.02))
        level -= 0.028 * drip
    sway = 0.035 * at(wide, np.zeros_like(z), z, pitch=0.09) + 0.006 * at(mid, np.zeros_like(z), z, pitch=0.03)
    cracks = np.full_like(x, np.inf)
    for line in (-3.05, 0.14, 2.75):
        cracks = np.minimum(cracks, np.abs(x - line - sway))
    across = 0.10 * at(wide, x, np.zeros_like(x), pitch=0.02) + 0.03 * at(mid, x, np.zeros_like(x), pitch=0.01)
    for station in (16.2, 23.7, 33.1, 41.5, 55.0, 63.0):
        part = np.where(x < rng.uniform(-1, 3.5), 1.0, 9.0)
        cracks = np.minimum(cracks, np.abs(z - station - across * 2) * part)
    level *= 1 - (0.42 + 0.12 * at(mid, x, z, pitch=0.03)) * smooth(cracks, 0.035, 0.012)  # tar in the cracks
    left, near, wide_patch, long_patch = -2.6, 24.5, 1.5, 4.6
    inside = (np.abs(x - left - wide_patch / 2) < wide_patch / 2) & (np.abs(z - near - long_patch / 2) < long_patch / 2)
    level = np.where(inside, level * 0.78, level)
    cover = np.hypot(x - 1.1, z - 29.0)
    level = np.where(cover < 0.36, 0.07 + 0.03 * (np.sin(x * 90) * np.sin(z * 90) > 0), level)
    level = np.where(np.abs(cover - 0.38) < 0.025, 0.03, level)
    return np.clip(level, 0.02, 0.3).astype(np.float32), np.clip(water, 0.05, 1).astype(np.float32)


def _paint(rng: np.random.Generator, x: Field, z: Field, ground: Field) -> Field:
    """Lane paint over the asphalt: dashed white between lanes, white on the one edge, yellow on the other, worn."""
    worn = tile(rng, size=1024, grain=4, octaves=4)
    cover = smooth(at(worn, x, z, pitch=0.012), -1.9, -0.6)
    dash = (np.mod(z - 2.0, 12.0) < 3.05) & (np.abs(x) < 0.055)
    edge = np.abs(x + 3.12) < 0.055
    yellow = np.abs(x - 3.12) < 0.055
    painted = np.where((dash | edge)[..., None], np.array([0.52, 0.52, 0.50], np.float32), ground)
    painted = np.where(yellow[..., None], np.array([0.48, 0.30, 0.045], np.float32), painted)
    share = (0.88 * cover)[..., None]
    return np.asarray(ground + share * (painted - ground), np.float32)


def _concrete(field: Field, x: Field, z: Field) -> Field:
    level = 0.30 + 0.022 * at(field, x, z, pitch=0.012) + 0.02 * at(field, x * 0.3, z * 0.3, pitch=0.02)
    joints = np.minimum(np.mod(z, 1.5), 1.5 - np.mod(z, 1.5)) < 0.012
    return np.asarray(np.where(joints, level * 0.5, level), np.float32)


def _verge(rng: np.random.Generator, x: Field, z: Field) -> Field:
    blades, tufts = tile(rng, size=1024, grain=1.2, octaves=1), tile(rng, size=512, grain=14, octaves=3)
    level = np.clip(0.075 + 0.030 * at(blades, x, z * 0.35, pitch=0.012) + 0.018 * at(tufts, x, z, pitch=0.03), 0.01, 1)
    dry = smooth(at(tufts, x + 7, z, pitch=0.05), 0.2, 1.6)[..., None]
    green, straw = _tint(level, (0.85, 1.15, 0.40)), _tint(level * 1.5, (1.15, 1.0, 0.62))
    return np.asarray(green + dry * (straw - green), np.float32)


def _sun_reach(rng: np.random.Generator, x: Field, z: Field) -> Field:
    """Where sun falls on the ground: leaves' shade on both verges, reaching over the curb here and there."""
    leaves, crowns = tile(rng, size=1024, grain=7, octaves=3), tile(rng, size=512, grain=30, octaves=2)
    under = smooth(at(crowns, x * 0.7, z * 0.7, pitch=0.09) + 0.9 * (np.abs(x - 0.5) - 4.4), -0.1, 1.0)
    dapple = smooth(at(leaves, x, z * 0.7, pitch=0.035), 0.55, 1.1)
    return np.asarray(1 - under * (1 - 0.75 * dapple), np.float32)


def _stand_posts(  # noqa: PLR0917  a ray's hit has this many parts
    rng: np.random.Generator, rays: Field, eye: Field, x: Field, z: Field, albedo: Field, lit: Field
) -> tuple[Field, Field]:
    """Stand trunks and lamp posts (x, z, radius in meters) before what the rays hit; returns reflectance and sun."""
    flat = np.hypot(rays[..., 0], rays[..., 2])
    ux, uz = rays[..., 0] / flat, rays[..., 2] / flat
    for post_x, post_z, radius in ((5.9, 37.0, 0.17), (-6.3, 52.0, 0.2), (4.45, 48.0, 0.07), (-4.5, 36.0, 0.055)):
        lit = lit * (1 - 0.55 * smooth(np.hypot(x - post_x, z - post_z), radius * 5, radius))
        off = (post_x - eye[0]) * uz - post_z * ux
        high = eye[1] + np.minimum(rays[..., 1], -1e-3) / flat * ((post_x - eye[0]) * ux + post_z * uz)
        hit = (np.abs(off) < radius) & (high > CURB_HIGH)
        bark = tile(rng, size=256, grain=4, octaves=3)
        shade = 0.16 * (0.75 - 0.35 * np.clip(off / radius, -1, 1)) * (1 + 0.25 * at(bark, off * 3, high, pitch=0.02))
        wood = _tint(np.clip(shade, 0.01, 1), (1.0, 0.85, 0.70) if radius > 0.1 else (0.9, 0.92, 0.92))
        albedo = np.where(hit[..., None], wood, albedo)
        lit = np.where(hit, np.float32(0.7), lit)
    return albedo, lit


def lay_street(lens: Pinhole, seed: int) -> Street:
    """Follow every pixel's rays; seconds of work, done once a clip."""
    rng = np.random.default_rng(seed)
    rays = lens.rays(_FINER).astype(np.float32)
    eye = lens.position.astype(np.float32)
    down = np.minimum(rays[..., 1], -1e-3)
    reach = -eye[1] / down
    x, z = eye[0] + rays[..., 0] * reach, rays[..., 2] * reach
    raised = -(eye[1] - CURB_HIGH) / down
    x_high, z_high = eye[0] + rays[..., 0] * raised, rays[..., 2] * raised
    side = np.sign(x)
    off_road = np.abs(x) >= CURB
    face = off_road & (np.abs(x_high) < CURB)
    z = np.where(off_road & ~face, z_high, z)
    x = np.where(off_road & ~face, x_high, np.where(face, side * CURB, x))

    concrete = tile(rng, size=1024, grain=3, octaves=4)
    level, water = _asphalt(rng, x, z)
    albedo = _paint(rng, x, z, _tint(level, (1.0, 0.985, 0.96)))
    gutter = (np.abs(x) > 3.55) & ~off_road
    slab = _tint(_concrete(concrete, x, z), (1.0, 0.97, 0.91))
    albedo = np.where(gutter[..., None], slab * 0.85, albedo)
    albedo = np.where(off_road[..., None], slab, albedo)
    albedo = np.where(face[..., None], slab * np.where(side > 0, 0.75, 0.6)[..., None], albedo)
    verge = np.abs(x) > CURB + 1.55
    albedo = np.where((off_road & verge)[..., None], _verge(rng, x, z), albedo)
    lit = _sun_reach(rng, x, z)

    along = np.where(np.abs(rays[..., 0]) > 1e-4, (np.sign(rays[..., 0]) * WALL - eye[0]) / rays[..., 0], np.inf)
    wall = (along > 0) & (along < raised)
    wall_z, wall_y = rays[..., 2] * along, eye[1] + down * along
    wall_z, wall_y = np.where(wall, wall_z, 0), np.where(wall, wall_y, 0)
    leaves = tile(rng, size=1024, grain=3, octaves=3)
    hedge = np.clip(0.045 + 0.03 * at(leaves, wall_z, wall_y, pitch=0.02), 0.006, 1)
    boards = 0.22 + 0.03 * at(concrete, wall_z * 0.1, wall_y, pitch=0.01)
    boards = np.where(np.mod(wall_z, 0.14) < 0.012, boards * 0.35, boards)
    stands = np.where((side > 0)[..., None], _tint(hedge, (0.8, 1.1, 0.42)), _tint(boards, (1.0, 0.82, 0.62)))
    albedo = np.where(wall[..., None], stands, albedo)
    lit = np.where(wall, 0.45, lit)

    albedo, lit = _stand_posts(rng, rays, eye, x, z, albedo, lit)
    distance = np.hypot(np.hypot(x - eye[0], z), eye[1])
    center = np.exp(-(((x - 0.0) / (0.17 * np.maximum(z, 1))) ** 2))
    fall = (400.0 / distance**2) * (0.35 + 0.65 * center) * 0.8
    gray = albedo.mean(axis=2, keepdims=True)
    wet = water * smooth(np.abs(x), CURB, CURB - 0.3)

    def shrink(field: NDArray[np.floating]) -> Field:
        size = (lens.width, lens.height)
        return np.asarray(cv2.resize(field.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)

    return Street(
        shrink(albedo), shrink(albedo * lit[..., None]), shrink(np.repeat(gray * fall[..., None], 3, axis=2)),
        shrink(wet), shrink(1 - np.exp(-distance / 90.0)),
    )  # fmt: skip

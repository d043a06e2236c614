"""Put a flat picture (a plate, a sign) into a photo as a tilted rectangle in space would appear."""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

SUPERSAMPLING: Final = 2


@dataclass(frozen=True)
class Pose:
    """Attitude of a flat thing before the camera, radians; distance in its widths (strength of perspective)."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    distance: float = 12.0


def random_pose(rng: np.random.Generator) -> Pose:
    """Draw an attitude as fixed cameras see plates: mostly near frontal, now and then strongly from the side."""
    wide = rng.random() < 0.25
    return Pose(
        yaw=float(rng.normal(0, 0.5 if wide else 0.22)),
        pitch=float(rng.normal(0.08, 0.25 if wide else 0.12)),
        roll=float(rng.normal(0, 0.16 if wide else 0.06)),
        distance=float(rng.uniform(5, 30)),
    )


def project_corners(*, width: float, aspect: float, centre: tuple[float, float], pose: Pose) -> NDArray[np.float32]:
    """Return the corners [4, 2] of a rectangle that would be `width` pixels wide seen from the front."""
    half = np.array(
        [[-0.5, -0.5 / aspect, 0], [0.5, -0.5 / aspect, 0], [0.5, 0.5 / aspect, 0], [-0.5, 0.5 / aspect, 0]]
    )
    cos, sin = math.cos, math.sin
    yaw = np.array([[cos(pose.yaw), 0, sin(pose.yaw)], [0, 1, 0], [-sin(pose.yaw), 0, cos(pose.yaw)]])
    pitch = np.array([[1, 0, 0], [0, cos(pose.pitch), -sin(pose.pitch)], [0, sin(pose.pitch), cos(pose.pitch)]])
    roll = np.array([[cos(pose.roll), -sin(pose.roll), 0], [sin(pose.roll), cos(pose.roll), 0], [0, 0, 1]])
    points = half @ (roll @ pitch @ yaw).T
    depth = 1.0 + points[:, 2:] / pose.distance
    corners: NDArray[np.float32] = (points[:, :2] / depth * width + np.array(centre)).astype(np.float32)
    return corners


def paste(
    background: NDArray[np.uint8], picture: NDArray[np.uint8], corners: NDArray[np.float32], *, blur: float = 0.0
) -> None:
    """Warp `picture` so that its outer corners come to `corners`, and blend it into `background` in place.

    Args:
        background: BGR [H, W, 3].
        picture: BGR [h, w, 3], or with a fourth channel that says where it is opaque (a plate's rounded corners).
        corners: [4, 2] in pixels of the background, counted from the outer edge of its first pixel. Nothing happens
            when they lie outside of it.
        blur: sigma, in pixels of the background, of a Gaussian over picture and edge alike.

    """
    margin = 2 + int(3 * blur)
    height, width = background.shape[:2]
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int) - margin, 0)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + margin, (width, height))
    if right - left < 2 or bottom - top < 2:
        return
    picture = _shrink(picture, corners)
    target = (corners - (left, top)) * SUPERSAMPLING
    source_height, source_width = picture.shape[:2]
    source = np.array([[0, 0], [source_width, 0], [source_width, source_height], [0, source_height]], np.float32)
    # cv2 counts from pixel centres: move both sides by half a pixel
    matrix = cv2.getPerspectiveTransform(source - 0.5, (target - 0.5).astype(np.float32))
    size = (int(right - left) * SUPERSAMPLING, int(bottom - top) * SUPERSAMPLING)
    warped = cv2.warpPerspective(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # Bilinear between the last pixel's centre and nothing: half opaque exactly at the outer edge.
    opaque = np.full(picture.shape[:2], 255, np.uint8)
    mask = cv2.warpPerspective(opaque, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    if warped.ndim == 3 and warped.shape[2] == 4:
        mask = np.minimum(mask, warped[..., 3])
        warped = np.ascontiguousarray(warped[..., :3])
    small = (size[0] // SUPERSAMPLING, size[1] // SUPERSAMPLING)
    warped = cv2.resize(warped, small, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(mask, small, interpolation=cv2.INTER_AREA).astype(np.float32)[..., None] / 255
    region = background[top:bottom, left:right]
    blended = region * (1 - alpha) + warped.reshape(*region.shape) * alpha
    if blur > 0:
        soft = cv2.GaussianBlur(blended, (0, 0), blur).reshape(region.shape)
        near = cv2.GaussianBlur(cv2.dilate(alpha, np.ones((3, 3))), (0, 0), blur).reshape(*region.shape[:2], 1)
        weight = np.clip(near * 2, 0, 1)
        blended = blended * (1 - weight) + soft * weight
    np.copyto(region, np.clip(blended, 0, 255).astype(np.uint8))


def _shrink(picture: NDArray[np.uint8], corners: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scale the picture down by area to about the supersampled target, so that the warp does not alias."""
    width = max(np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[2] - corners[3]))
    height = max(np.linalg.norm(corners[3] - corners[0]), np.linalg.norm(corners[2] - corners[1]))
    fx = min(1.0, SUPERSAMPLING * float(width) / picture.shape[1])
    fy = min(1.0, SUPERSAMPLING * float(height) / picture.shape[0])
    if fx > 0.9 and fy > 0.9:
        return picture
    size = (max(2, round(picture.shape[1] * fx)), max(2, round(picture.shape[0] * fy)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]

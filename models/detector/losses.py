"""Losses: focal loss on the heat map; corners where they are known, the bounding box where only that is."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from platepost.models.detector.targets import Planes

BOX_TRUST = 0.6
"""Weight of a real box beside true corners: photographers' boxes are often a few pixels loose."""
LEFT, TOP, RIGHT, BOTTOM = (0, 6), (1, 3), (2, 4), (5, 7)
"""Channels of the two corners on each side of a plate (top-left, top-right, bottom-right, bottom-left; x, y)."""


@dataclass(frozen=True)
class Losses:
    """The parts of the loss, each a scalar."""

    heat: Tensor
    corners: Tensor
    shape: Tensor

    @property
    def total(self) -> Tensor:
        """The weighted sum that training makes small."""
        return self.heat + 4.0 * self.corners + 0.2 * self.shape


def heat_loss(logits: Tensor, heat: Tensor, known: Tensor) -> Tensor:
    """Penalty-reduced focal loss of CornerNet (Law and Deng 2018, alpha 2, beta 4) per plate; ignores unknown cells."""
    positive = (heat >= 1).float() * known
    probability = torch.sigmoid(logits)
    positive_loss = functional.logsigmoid(logits) * (1 - probability) ** 2 * positive
    refused = functional.logsigmoid(-logits) * probability**2 * (1 - heat) ** 4 * (1 - positive) * known
    return -(positive_loss.sum() + refused.sum()) / positive.sum().clamp(min=1)


def box_sides(encoded: Tensor) -> Tensor:
    """Return left, top, right, bottom [N, 4, ...] of encoded corners [N, 8, ...]; asinh keeps the order, so may min."""
    left = torch.minimum(encoded[:, LEFT[0]], encoded[:, LEFT[1]])
    top = torch.minimum(encoded[:, TOP[0]], encoded[:, TOP[1]])
    right = torch.maximum(encoded[:, RIGHT[0]], encoded[:, RIGHT[1]])
    bottom = torch.maximum(encoded[:, BOTTOM[0]], encoded[:, BOTTOM[1]])
    return torch.stack([left, top, right, bottom], dim=1)


def corner_losses(encoded: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return the corner loss and the shape loss for encoded corners [N, 8, r, c] and packed targets [N, 12, r, c].

    True corners are compared one by one. Of boxes only the four sides count; the shape loss keeps such plates near
    parallelograms with upright sides of equal length, weakly, since a box says nothing of the tilt.
    """
    boxed, target_corners = target[:, Planes.boxed], target[:, Planes.corners :]
    weight = target[:, Planes.weight] * (1 - (1 - BOX_TRUST) * boxed)
    by_corner = functional.smooth_l1_loss(encoded, target_corners, beta=0.05, reduction="none").mean(dim=1)
    by_side = functional.smooth_l1_loss(
        box_sides(encoded), box_sides(target_corners), beta=0.05, reduction="none"
    ).mean(dim=1)
    total = weight.sum().clamp(min=1)
    corners = (weight * torch.where(boxed > 0, by_side, by_corner)).sum() / total
    offset = torch.sinh(encoded.clamp(-5, 5))
    diagonal = offset[:, 0:2] + offset[:, 4:6] - offset[:, 2:4] - offset[:, 6:8]
    height = (offset[:, 7] - offset[:, 1] + offset[:, 5] - offset[:, 3]).abs().detach() / 2 + 0.5
    skew = (diagonal.abs().sum(dim=1) / height).clamp(max=4)
    return corners, (weight * boxed * skew).sum() / total


def detector_losses(logits: Tensor, encoded: Tensor, target: Tensor) -> Losses:
    """Return all losses of a batch."""
    heat = heat_loss(logits[:, 0], target[:, Planes.heat], target[:, Planes.known])
    corners, shape = corner_losses(encoded, target)
    return Losses(heat, corners, shape)

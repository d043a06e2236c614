"""Train the detector: one process draws windows, one torch thread learns; resumable at every checkpoint."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from platepost.models.detector.decode import DetectionCounts, find_plates, fit_frame
from platepost.models.detector.losses import detector_losses
from platepost.models.detector.net import PlateDetector, new_detector
from platepost.models.detector.targets import pack_targets
from platepost.models.detector.warm_start import warm_start
from platepost.models.detector.windows import Augmentation, WindowSampler
from platepost.models.evaluate.manifest import ManifestError
from platepost.models.scenes.photos import Photo, PhotoStore, split
from platepost.models.training import follow, save

Picture = NDArray[np.uint8]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Training:
    """What a run does. Steps are batches of the whole training, over all resumptions."""

    folder: Path
    steps: int = 7_000
    batch: int = 32
    learning_rate: float = 2e-3
    warmup: int = 300
    decay: float = 0.02
    average: float = 0.998
    checkpoint_minutes: float = 5.0
    seed: int = 20_260
    start: Path | None = None
    """A trained .tflite detector to begin with, see `platepost.models.detector.warm_start`."""
    augmentation: Augmentation = field(default_factory=Augmentation)


@dataclass(frozen=True)
class TrainingProgress:
    """Reported every few batches and, with `validation`, at every checkpoint."""

    step: int
    losses: dict[str, float]
    samples_per_second: float
    validation: str | None = None


class Chosen(Sequence[Photo]):
    """Some photos of a store."""

    def __init__(self, store: PhotoStore, numbers: Sequence[int]) -> None:
        self._store, self._numbers = store, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, number: int) -> Photo:  # type: ignore[override]
        """Return a photo by its place among the chosen."""
        return self._store[self._numbers[number]]


class WindowStream(IterableDataset[tuple[Tensor, Tensor]]):  # type: ignore[misc,unused-ignore]  # Any where torch is not installed
    """An endless stream of windows; every worker and every start draws others."""

    def __init__(self, sampler: WindowSampler, *, seed: int) -> None:
        self._sampler, self._seed = sampler, seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([self._seed, worker.id if worker else 0])
        while True:
            window = self._sampler.sample(rng)
            yield torch.from_numpy(window.gray.copy()), torch.from_numpy(pack_targets(window))


def train(
    training: Training, *, store: PhotoStore, plates: Sequence[Picture], distractors: Sequence[Picture],
    report: Callable[[TrainingProgress], None],
) -> Path:  # fmt: skip
    """Train until `training.steps`, going on from `folder`/last.pt when it exists; return the path of the best weights.

    Checkpoints: last.pt (everything needed to go on) and best.pt (averaged weights with the best validation so far).

    Raises:
        ManifestError: the photos are too few to hold any out for validation.

    """
    torch.set_num_threads(1)
    training.folder.mkdir(parents=True, exist_ok=True)
    kept, held = split(store.names)
    if not (kept and held):
        raise ManifestError(f"of {len(store)} photos {len(held)} are held out for validation: more photos are wanted")
    net = new_detector(seed=training.seed)
    average = new_detector(seed=training.seed)
    average.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW(net.parameters(), lr=training.learning_rate, weight_decay=training.decay)
    last, best = training.folder / "last.pt", training.folder / "best.pt"
    step, best_score = 0, -math.inf
    if last.is_file():
        state = torch.load(last, weights_only=True)
        net.load_state_dict(state["net"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, best_score = state["step"], state["best"]
    sampler = WindowSampler(
        Chosen(store, kept),
        plates=_draw_from(plates),
        distractors=_draw_from(distractors),
        augmentation=training.augmentation,
    )
    stream = WindowStream(sampler, seed=training.seed + step)
    batches = iter(DataLoader(stream, batch_size=training.batch, num_workers=1, prefetch_factor=4))
    if step == 0 and training.start is not None:
        warm_start(net, training.start, next(batches)[0].float()[:, None] / 255)
        average.load_state_dict(net.state_dict())
    saved = time.monotonic()
    since = time.monotonic()
    sums = np.zeros(3)
    net.train()
    while step < training.steps:
        gray, target = next(batches)
        for group in optimiser.param_groups:
            group["lr"] = training.learning_rate * schedule(step, training)
        sums += _learn(net, optimiser, gray, target)
        step += 1
        follow(average, net, keep=min(training.average, (1 + step) / (10 + step)))
        if step % 50 == 0:
            speed = 50 * training.batch / (time.monotonic() - since)
            names = ("heat", "corners", "shape")
            report(TrainingProgress(step, dict(zip(names, (sums / 50).tolist(), strict=True)), speed))
            since, sums = time.monotonic(), np.zeros(3)
        if time.monotonic() - saved > training.checkpoint_minutes * 60 or step == training.steps:
            counts = validate(average, Chosen(store, held))
            score = counts.recall + counts.overlap / max(1, counts.matched) - 0.1 * counts.extra / max(1, counts.photos)
            if score > best_score:
                best_score = score
                save({"average": average.state_dict(), "step": step}, best)
            state = {"net": net.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict()}
            save({**state, "step": step, "best": best_score}, last)
            report(TrainingProgress(step, {}, 0.0, str(counts)))
            saved = since = time.monotonic()
    return best


def schedule(step: int, training: Training) -> float:
    """Warm up linearly, then fall along a cosine to 2 % at the last step."""
    if step < training.warmup:
        return (step + 1) / training.warmup
    done = min(1.0, (step - training.warmup) / max(1, training.steps - training.warmup))
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))


def validate(net: PlateDetector, photos: Sequence[Photo]) -> DetectionCounts:
    """Find plates in whole photos as the device would and count; plates too small to learn are ignored."""
    net.eval()
    counts = DetectionCounts()
    for photo in photos:
        frame, scale = fit_frame(photo.pixels)
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            logits, corners = net(torch.from_numpy(frame)[None, None].float() / 255)
        score = torch.sigmoid(logits)[0, 0].numpy()
        detections = find_plates(score, corners[0].permute(1, 2, 0).contiguous().numpy())
        boxes = photo.boxes * scale
        large = (boxes[:, 2] - boxes[:, 0] >= 14) & (boxes[:, 3] - boxes[:, 1] >= 5)
        counts.add(detections, boxes[large], boxes[~large])
    return counts


def _learn(net: PlateDetector, optimiser: torch.optim.Optimizer, gray: Tensor, target: Tensor) -> NDArray[np.float64]:
    pictures = (gray[:, None].float() / 255).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits, corners = net(pictures)
    losses = detector_losses(logits, corners, target)
    losses.total.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return np.array([losses.heat.item(), losses.corners.item(), losses.shape.item()])


def _draw_from(pool: Sequence[Picture]) -> Callable[[np.random.Generator], Picture]:
    return lambda rng: pool[int(rng.integers(len(pool)))]

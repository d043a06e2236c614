"""What is drawn, held against what the truth says of it. Needs an OpenGL context; skips without."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip("moderngl", reason="moderngl is missing: .venv/bin/pip install -e '.[scene]'")

from platepost.simulator.scene import renderer as drawing
from platepost.simulator.scene.description import Clip, Decoy, Lens, Passing, Scene, Weather
from platepost.simulator.scene.pinhole import Pinhole
from platepost.simulator.scene.renderer import Renderer, Shot
from platepost.simulator.scene.road import Street, lay_street
from platepost.simulator.scene.sensor import tone
from platepost.simulator.scene.skin import Skin, Surface
from platepost.simulator.scene.traffic import MPH, vehicle_of
from platepost.simulator.scene.truth import GroundTruth
from platepost.simulator.scene.vehicles import Vehicle

pytestmark = pytest.mark.usefixtures("graphics")


@pytest.fixture
def plain_street(graphics: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay an even gray street, for tests that look at vehicles alone: a real one takes four seconds."""

    def lay(lens: Pinhole, _seed: int) -> Street:
        gray = np.full((lens.height, lens.width, 3), 0.12, np.float32)
        none = np.zeros((lens.height, lens.width), np.float32)
        return Street(albedo=gray, sunlit=gray, lamp=gray, reflecting=none, haze=none)

    monkeypatch.setattr(drawing, "lay_street", lay)


SMALL = Lens(width=320, height=180, focal=1150)


def _scene(*, mph: float = 30, shutter: float = 0.001, samples: int = 6, **lens: float) -> Scene:
    return Scene(
        clip=Clip(seed=5, seconds=3, samples=samples),
        lens=Lens(width=640, height=360, focal=2300, shutter=shutter, **lens),  # type: ignore[arg-type]
        weather=Weather(light="overcast", lamps=0),
        passing=(
            # The looks are pinned: a bumper that reflects the sky under the plate leaves no dark to measure against.
            Passing(text="7ABC123", paint="black", at=1.0, mph=mph, lane=1, dirt=0, seed=1),
            Passing(text="6XYZ789", paint="black", at=1.0, mph=mph, lane=2, dirt=0, seed=2),
        ),
        aim=14.0,
    )


@pytest.fixture
def marker_plates(graphics: None, monkeypatch: pytest.MonkeyPatch, drawn: Callable[[Scene, int], Vehicle]) -> None:
    """Every vehicle is a dull black one with a blank white plate."""

    def marked(scene: Scene, index: int) -> object:
        plain = drawn(scene, index)
        skin = Skin(plain.skin.top, Surface((0.0, 0.0, 0.0)))
        return replace(plain, skin=skin, paint=(0.0, 0.0, 0.0), coat=0.0, plate=np.full((96, 192, 4), 255, np.uint8))

    monkeypatch.setattr(drawing, "vehicle_of", marked)


def _white(shot: Shot, passage: int) -> np.ndarray:
    """Cover of the blank plate, 0 to 1, in a window about where the truth says it is."""
    corners = shot.sights[passage].corners
    steps = np.linspace(0, 4, 4000, dtype=np.float32)
    gray = np.interp(shot.picture[..., 1], tone(steps), steps).astype(np.float32)  # back to linear light
    left, top = np.floor(corners.min(axis=0) - 5).astype(int)
    right, bottom = np.ceil(corners.max(axis=0) + 5).astype(int)
    cover = np.zeros_like(gray)
    dark, light = np.percentile(gray[top:bottom, left:right], [5, 95])
    cover[top:bottom, left:right] = np.clip((gray[top:bottom, left:right] - dark) / (light - dark), 0, 1)
    return cover


def _crossing(falling: np.ndarray, level: float) -> float:
    """Where a falling profile first passes below a level, between its samples."""
    after = int(np.argmax(falling < level))
    before, beyond = falling[after - 1], falling[after]
    return float(after - 1 + (before - level) / (before - beyond))


def _measured_corners(cover: np.ndarray) -> np.ndarray:
    """Fit the four edges' half-way crossings with lines, and cross them."""
    ys, xs = np.nonzero(cover > 0.5)
    box = cv2.boxPoints(cv2.minAreaRect(np.stack([xs, ys], axis=1).astype(np.float32)))
    order = np.argsort(box.sum(axis=1))
    difference = box[:, 0] - box[:, 1]
    return np.array([box[order[0]], box[difference.argmax()], box[order[-1]], box[difference.argmin()]])


@pytest.mark.usefixtures("marker_plates", "plain_street")
def test_a_plate_is_drawn_where_the_truth_says() -> None:
    with Renderer(_scene(softness=0)) as renderer:
        shots = [renderer.shot(number) for number in (16, 18, 20)]

    for shot in shots:
        assert len(shot.sights) == 2
        for index, sight in enumerate(shot.sights):
            found = _measured_corners(_white(shot, index))
            assert np.abs(found - sight.corners).max() < 1.5
            assert sight.visible == pytest.approx(1.0, abs=0.02)


@pytest.mark.usefixtures("marker_plates", "plain_street")
def test_blur_is_as_long_as_speed_times_exposure() -> None:
    shutter, samples, number = 0.04, 40, 20
    with Renderer(_scene(mph=30, shutter=shutter, samples=samples, softness=0)) as renderer:
        shot = renderer.shot(number)
        begin, end = (
            renderer.lens.project((np.c_[corners, np.ones(4)] @ renderer._drives[0].street(time).T)[:, :3])
            for time in (1.0 - shutter / 2, 1.0 + shutter / 2)
            for corners in (renderer._vehicles[0].plate_corners,)
        )
    traveled = 30 * MPH * shutter
    lower = (begin[2, 1] + begin[3, 1]) / 2, (end[2, 1] + end[3, 1]) / 2
    expected = lower[1] - lower[0]
    column = round(float(shot.sights[0].corners[:, 0].mean()))

    profile = _white(shot, 0)[:, column]
    bottom = profile[round(shot.sights[0].corners[:, 1].mean()) :]
    # From light into dark, linear light falls evenly over the blur: its middle four fifths take four fifths of the way.
    falling = bottom[bottom.argmax() :]
    ramp = _crossing(falling, 0.1) - _crossing(falling, 0.9)

    assert traveled == pytest.approx(0.536, abs=0.001)
    assert ramp / 0.8 == pytest.approx(expected, rel=0.1)


def test_the_same_scene_gives_the_same_frame_and_another_seed_another(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = _scene(samples=2)
    scene = plain.model_copy(update={"lens": SMALL, "passing": plain.passing[:1]})
    seeded = scene.model_copy(update={"clip": scene.clip.model_copy(update={"seed": 6})})

    def drawn_once(scene: Scene) -> np.ndarray:
        with Renderer(scene) as renderer:
            return renderer.shot(20).picture

    pictures = [drawn_once(one) for one in (scene, seeded)]
    monkeypatch.setattr(drawing, "lay_street", lay_street)  # again
    monkeypatch.setattr(drawing, "vehicle_of", vehicle_of)
    assert np.array_equal(pictures[0], drawn_once(scene))
    assert not np.array_equal(*pictures)


@pytest.mark.usefixtures("plain_street")
def test_a_plate_behind_another_vehicle_is_not_visible() -> None:
    scene = _scene()
    follower = scene.passing[0].model_copy(update={"text": "5AAA555", "at": 1.45})
    with Renderer(scene.model_copy(update={"passing": (scene.passing[0], follower)})) as renderer:
        sights = {sight.passage: sight for sight in renderer.shot(18).sights}

    assert sights[0].visible > 0.95
    assert 1 not in sights or sights[1].visible < 0.3


def test_infrared_has_no_color_and_lights_the_plate() -> None:
    scene = _scene().model_copy(update={"weather": Weather(light="infrared", lamps=0), "lens": SMALL})
    with Renderer(scene) as renderer:
        shot = renderer.shot(20)

    assert np.array_equal(shot.picture[..., 0], shot.picture[..., 2])
    inside = cv2.fillConvexPoly(np.zeros((180, 320), np.uint8), np.round(shot.sights[0].corners).astype(np.int32), 1)
    assert shot.picture[inside > 0].mean() > 2.5 * shot.picture.mean()


@pytest.mark.usefixtures("plain_street")
@pytest.mark.parametrize("kind", ["sign", "sticker", "shirt"])
def test_a_decoy_shows_its_lettering_and_is_no_passage(kind: str) -> None:
    decoy = Decoy(text="ROUTE 66\nEXIT", kind=kind, at=1.0, mph=3, shift=0.9, seed=4)
    scene = Scene(clip=Clip(seed=5, seconds=2), lens=SMALL, weather=Weather(light="overcast", lamps=0), decoys=(decoy,))
    truth = GroundTruth(scene, "clip.mp4")
    with Renderer(scene) as renderer:
        shot = renderer.shot(20)
    truth.add(shot.sights)
    (sight,) = shot.sights
    left, top = np.floor(sight.corners.min(axis=0)).clip(0).astype(int)
    right, bottom = np.ceil(sight.corners.max(axis=0)).astype(int)
    assert np.ptp(shot.picture[top:bottom, left:right].mean(axis=2)) > 40, "there are letters"
    assert truth.passages() == []
    assert truth.documents()[1]["plates"] == {}

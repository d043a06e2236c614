from itertools import pairwise

import numpy as np
import pytest

from platepost.simulator.errors import SceneError
from platepost.simulator.scene.traffic import drives
from tests.street_scenes import CONDITIONS, GAP, SHORTEST, SPEEDS, campaign_scene, decoy_scene


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("mph", SPEEDS)
def test_every_light_and_speed_is_a_scene_with_so_many_passages(condition: str, mph: int) -> None:
    scene = campaign_scene(condition, mph, number=0, passages=8)
    assert len(scene.passing) == 8
    assert {one.mph for one in scene.passing} == {mph}
    assert all(len(one.text) >= SHORTEST for one in scene.passing)
    assert scene.weather == CONDITIONS[condition]
    assert 1 / 2000 <= scene.lens.shutter <= 1 / 1000


def test_vehicles_of_a_lane_keep_their_distance() -> None:
    scene = campaign_scene("day", 65, number=3)
    for lane in (1, 2):
        places = [drive.place(1.0)[1] for drive in drives(scene) if drive.passing.lane == lane]
        gaps = [abs(later - earlier) for earlier, later in pairwise(places)]
        assert gaps == pytest.approx([GAP] * len(gaps), abs=0.1)


def test_all_pass_before_the_clip_ends() -> None:
    scene = campaign_scene("rain", 25, number=1)
    assert min(one.at for one in scene.passing) > 0
    assert max(one.at for one in scene.passing) < scene.clip.seconds


def test_same_numbers_same_scene_other_numbers_other_plates() -> None:
    first = campaign_scene("dusk", 45, number=0)
    assert first == campaign_scene("dusk", 45, number=0)
    texts = {one.text for one in first.passing}
    assert texts.isdisjoint(one.text for one in campaign_scene("dusk", 45, number=1).passing)


def test_an_unknown_light_is_named() -> None:
    with pytest.raises(SceneError, match="fog"):
        campaign_scene("fog", 45, number=0)


def test_a_scene_of_decoys_has_lettering_and_no_plate() -> None:
    kinds = set()
    for seed in range(12):
        scene = decoy_scene(seed)
        assert not scene.passing
        assert len(scene.decoys) == 2
        assert scene.decoys[0].kind == "sticker"
        kinds.add(scene.decoys[1].kind)
        assert scene == decoy_scene(seed)
    assert kinds == {"sign", "shirt"}


def test_a_sign_stands_still() -> None:
    scene = next(scene for scene in map(decoy_scene, range(12)) if scene.decoys[1].kind == "sign")
    sign = drives(scene)[1]
    assert np.allclose(sign.street(0.0), sign.street(1.5), atol=0.01)

from pathlib import Path

import pytest

import platepost.simulator.scene
from platepost.simulator.errors import SceneError
from platepost.simulator.scene.description import load_scene

_FOLDER = Path(platepost.simulator.scene.__file__).parent
_SCENES = [*sorted((_FOLDER / "scenes").glob("*.toml")), *sorted((_FOLDER.parent / "footage").glob("*.toml"))]


@pytest.mark.parametrize("path", _SCENES, ids=lambda path: path.stem)
def test_every_scene_that_ships_can_be_read(path: Path) -> None:
    scene = load_scene(path)

    assert scene.passing
    assert len({passing.text for passing in scene.passing}) == len(scene.passing)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[weather]\nlight = 'noon'", "noon"),
        ("[lens]\nshutter = 3.0", "lens.shutter"),
        ("[lens]\nfocal = 1e300", "lens.focal"),
        ("[lens]\noffset = nan", "lens.offset"),
        ("[weather]\nturn = [0, inf]", "weather.turn"),
        ("[[passing]]\ntext = 'ABC123'\nat = 1\nmph = 30\nseed = -1", "passing.0.seed"),
        ("color = 1", "color"),
        ("[[passing]]\ntext = 'abc'\nat = 1\nmph = 30", "passing.0.text"),
        ("[[passing]]\ntext = 'ABC123'\nat = 1\nmph = 30\nbody = 'tank'", "tank"),
    ],
)
def test_load_scene_names_what_is_wrong(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "scene.toml"
    first, _, rest = line.partition("\n") if "=" in line.partition("\n")[0] else ("", "", line)
    path.write_text(f"{first}\n[clip]\nseed = 1\nseconds = 1\n{rest}\n", "utf-8")

    with pytest.raises(SceneError, match=said):
        load_scene(path)


def test_a_scene_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "scene.toml"
    path.write_bytes(b"\xff")
    with pytest.raises(SceneError, match=r"scene\.toml: 'utf-8' codec can't decode"):
        load_scene(path)

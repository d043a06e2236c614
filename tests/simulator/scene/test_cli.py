import json
import sys
from pathlib import Path

import av
import cv2
import pytest
from click.testing import CliRunner

from platepost.simulator.cli import simulate
from platepost.simulator.errors import SceneError
from platepost.simulator.scene.cli import render

_SCENE = """
[clip]
seed = 4
seconds = 0.3
samples = 2
[lens]
width = 320
height = 180
focal = 1150
[[passing]]
text = "7ABC123"
at = 0.1
mph = 30
"""


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    path = tmp_path / "scene.toml"
    path.write_text(_SCENE, "utf-8")
    return path


@pytest.mark.usefixtures("graphics")
def test_render_writes_a_clip_with_its_truth(scene: Path) -> None:
    out = scene.with_name("clip.mp4")

    result = CliRunner().invoke(render, [str(scene), str(out), "--frames", "3"], catch_exceptions=False)

    assert result.exit_code == 0
    with av.open(str(out)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 3
    assert json.loads(out.with_suffix(".truth.json").read_text())["frames"] == 3
    assert set(json.loads(out.with_suffix(".frames.json").read_text())["plates"]) <= {"0", "1", "2"}
    assert not out.with_suffix(".hotlist.csv").exists()


@pytest.mark.usefixtures("graphics")
def test_the_clip_s_folder_is_made(scene: Path) -> None:
    out = scene.parent / "build" / "clip"

    result = CliRunner().invoke(render, [str(scene), str(out), "--frames", "1"], catch_exceptions=False)

    assert result.exit_code == 0
    assert f"{out}: 1 frames" in result.output


@pytest.mark.usefixtures("graphics")
def test_a_clip_that_cannot_be_written_is_told_before_a_frame_is_drawn(scene: Path) -> None:
    out = scene / "clip.mp4"

    result = CliRunner().invoke(render, [str(scene), str(out), "--frames", "1"])

    assert isinstance(result.exception, SceneError)
    assert f"{out}: cannot be written" in str(result.exception)
    assert "clip.mp4" not in result.output


@pytest.mark.usefixtures("graphics")
def test_render_previews_one_frame(scene: Path) -> None:
    out = scene.with_name("frame.png")

    result = CliRunner().invoke(render, [str(scene), "--preview", str(out), "--at", "0.1"], catch_exceptions=False)

    assert result.exit_code == 0
    assert cv2.imread(str(out)).shape == (180, 320, 3)


def test_render_asks_where_to(scene: Path) -> None:
    result = CliRunner().invoke(render, [str(scene)])

    assert result.exit_code == 2
    assert "--preview" in result.output


def test_what_is_missing_says_which_extra_brings_it(scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("platepost.simulator.scene.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "moderngl", None)

    result = CliRunner().invoke(simulate, ["render", str(scene), str(scene.with_name("clip.mp4"))])

    assert result.exit_code == 1
    assert "render' needs moderngl, which is not installed: pip install -e '.[simulator,scene]' in" in result.output

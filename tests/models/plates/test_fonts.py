import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont

from platepost.models.plates import fonts


def test_installed_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fonts.installed.cache_clear()
    monkeypatch.setenv("PLATEPOST_FONTS", str(tmp_path))
    monkeypatch.setattr(fonts, "SYSTEM_FOLDER", tmp_path)
    with caplog.at_level(logging.WARNING):
        assert fonts.installed() == ()
    assert "not installed" in caplog.text
    fonts.installed.cache_clear()


def test_fetch_without_npm_fetches_nothing_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fonts.shutil, "which", lambda _: None)
    assert fonts.fetch(tmp_path / "fonts") == []
    assert "npm is not installed" in caplog.text


def test_font_masks_hold_every_character() -> None:
    found = sorted(Path("/usr/share/fonts/truetype").rglob("*.ttf"))
    if not found:
        pytest.skip("a TrueType font is missing: apt-get install fonts-dejavu-core")
    masks = fonts.font_masks(found[0])
    assert len(masks) == 36
    assert {mask.shape[0] for mask in masks.values()} == {96}


def test_a_brush_script_is_used_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[Path] = []

    def sized(path: Path, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        used.append(path)
        return ImageFont.load_default(size)

    monkeypatch.setattr(fonts, "_sized", sized)
    monkeypatch.setattr(fonts, "installed", lambda: (Path("upright.woff"),))
    monkeypatch.setattr(fonts, "of_family", {"script": (Path("brush.woff"),)}.__getitem__)
    for seed in range(8):
        fonts.line_of_text(
            "California", height=20, rng=np.random.default_rng(seed), family="" if seed % 2 else "script"
        )
    assert set(used[:1]) == {Path("brush.woff")}
    assert set(used) == {Path("brush.woff"), Path("upright.woff")}


@pytest.mark.parametrize("seed", range(8))
def test_line_of_text_has_its_height(seed: int) -> None:
    mask = fonts.line_of_text("GOLDEN STATE", height=20, rng=np.random.default_rng(seed))
    assert mask.shape[0] == 20
    assert mask.shape[1] > 40
    assert mask.max() > 100

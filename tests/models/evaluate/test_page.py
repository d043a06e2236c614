from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from platepost.models.evaluate.metrics import PictureResult
from platepost.models.evaluate.page import write_page

BOX = (20.0, 20.0, 80.0, 50.0)


def test_page_shows_failures_only(outcome: Callable[..., PictureResult], tmp_path: Path) -> None:
    path = tmp_path / "street.png"
    cv2.imwrite(str(path), np.full((120, 200, 3), 90, np.uint8))
    right = outcome([("7ABC123", BOX)], [("7ABC123", 0.9, BOX)], path)
    wrong = outcome([("7ABC124", BOX)], [("7ABC<24", 0.4, BOX)], path)
    page = tmp_path / "page.html"
    assert write_page(page, "A & B", [right, wrong]) == 1
    text = page.read_text(encoding="utf-8")
    assert "A &amp; B" in text
    assert "7ABC124" in text
    assert "7ABC123" not in text
    assert "7ABC&lt;24" in text
    assert text.count("data:image/jpeg") == 2


def test_plates_too_many_are_a_failure(outcome: Callable[..., PictureResult], tmp_path: Path) -> None:
    path = tmp_path / "street.png"
    cv2.imwrite(str(path), np.full((120, 200, 3), 90, np.uint8))
    extra = outcome([("7ABC123", BOX)], [("7ABC123", 0.9, BOX), ("X", 0.4, (100.0, 60.0, 140.0, 80.0))], path)
    assert write_page(tmp_path / "page.html", "page", [extra]) == 1

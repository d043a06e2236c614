"""A department's map says which posts an area has."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from platepost.department.search.errors import PatternError, PlacesError
from platepost.department.search.map import drawn_map
from platepost.department.search.places import Places


def feature(geometry: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def square(west: float, south: float, side: float) -> list[list[float]]:
    east, north = west + side, south + side
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def polygon(*rings: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [*rings]}


def point(longitude: float, latitude: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [longitude, latitude, 12.0]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    several = {"type": "MultiPolygon", "coordinates": [[square(0, 0, 1)], [square(5, 5, 1)]]}
    features = [
        feature(polygon(square(-10, -10, 20)), outline=True),
        feature(polygon(square(0, 0, 4), square(1, 1, 2)), area="Ring"),
        feature(several, area="Corners", posts=["post-9"]),
        feature(area="Nothing"),
        feature(point(0.5, 0.5), post="post-1"),
        feature(point(2, 2), post="post-2"),
        feature(point(3.5, 2), post="post-3"),
        feature(point(5.5, 5.5), post="post-4"),
    ]
    created = tmp_path / "places.geojson"
    created.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8-sig")  # by any editor
    return created


def test_areas_have_posts(file: Path) -> None:
    places = Places.read(file)
    assert places.posts["post-4"] == (5.5, 5.5)
    assert len(places.outline) == 1
    assert places.areas["Ring"] == ("post-1", "post-3")  # the hole is not the area
    assert places.areas["Corners"] == ("post-1", "post-4", "post-9")
    assert places.posts_of(["Ring", "Corners"]) == ("post-1", "post-3", "post-4", "post-9")
    assert places.posts_of([]) == ()
    for unknown in ("Nothing", "Elsewhere"):
        with pytest.raises(PatternError, match=unknown):
            places.posts_of(["Ring", unknown])


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"features": [{}]}',
        '{"features": [{"properties": {"post": "a"}}]}',
        '{"features": [{"properties": {"area": "a"}, "geometry": {"type": "Polygon", "coordinates": [[1]]}}]}',
    ],
)
def test_what_is_no_map_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "places.geojson"
    file.write_text(text)
    with pytest.raises(PlacesError, match=r"places\.geojson"):
        Places.read(file)
    assert Places.usable(file) == Places({}, {}, damaged=True)


def test_feature_that_says_nothing_is_nothing(tmp_path: Path) -> None:
    """GeoJSON allows it, and mapping programs write it."""
    file = tmp_path / "places.geojson"
    file.write_text('{"features": [{"properties": null, "geometry": null}]}')
    assert Places.read(file) == Places({}, {})


def test_names_of_posts_cover_one_another_nowhere() -> None:
    near = {"university-iowa": (0.50, 0.50), "canyon-crest": (0.53, 0.47), "market": (0.9, 0.9), "magnolia": (0, 0)}
    drawn = drawn_map(Places(near, {}))
    assert drawn is not None
    names = [(post.text_x, post.text_y, len(post.post) * 15) for post in drawn.posts]
    for (x, y, width), (other_x, other_y, other_width) in combinations(names, 2):
        assert abs(y - other_y) >= 26 or abs(x - other_x) >= (width + other_width) / 2
    for x, _, width in names:
        assert x - width / 2 >= 0
        assert x + width / 2 <= drawn.width


def test_there_may_be_no_map(tmp_path: Path) -> None:
    assert Places.read(tmp_path / "none") == Places({}, {})

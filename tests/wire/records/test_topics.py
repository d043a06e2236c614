import pytest

from platepost.wire.records.topics import (
    NameRefusedError,
    Source,
    category_slug,
    hotlist_delta,
    hotlist_keys,
    hotlist_package,
    hotlist_part,
)


def test_source_names_uri_and_topics() -> None:
    source = Source("demo", "post-1")
    assert source.uri == "//alpr/v1/demo/post-1"
    assert source.topic("read") == "alpr/v1/demo/post-1/read"
    assert source.hit("Stolen Vehicle") == "alpr/v1/demo/post-1/hit/stolen_vehicle"
    assert hotlist_package("demo") == "alpr/v1/demo/hotlist/package"
    assert hotlist_delta("demo") == "alpr/v1/demo/hotlist/delta"
    assert hotlist_keys("demo", "A" * 43) == f"alpr/v1/demo/hotlist/keys/{'A' * 43}"
    assert hotlist_part(hotlist_delta("demo"), 3) == "alpr/v1/demo/hotlist/delta/3"


@pytest.mark.parametrize("name", ["", "a/b", "a+b", "#", "post 1", "-post", "post.", "p" * 65, "poßt", "post\n"])
def test_names_that_cannot_be_a_topic_are_refused(name: str) -> None:
    with pytest.raises(NameRefusedError):
        Source("demo", name)
    with pytest.raises(NameRefusedError):
        Source(name, "post-1")


def test_a_post_cannot_take_the_place_of_the_hot_list() -> None:
    with pytest.raises(NameRefusedError, match="reserved"):
        Source("demo", "hotlist")


@pytest.mark.parametrize(
    ("category", "slug"),
    [
        ("Stolen Vehicle", "stolen_vehicle"),
        ("AMBER alert!", "amber_alert"),
        ("a/+/#", "a"),
        ("Véhicule volé", "vehicule_vole"),
        ("###", "other"),
        ("", "other"),
        ("x" * 70, "x" * 64),
        ("x" * 63 + "/y", "x" * 63),
    ],
)
def test_categories_become_one_level_of_a_topic(category: str, slug: str) -> None:
    assert category_slug(category) == slug

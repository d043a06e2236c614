import numpy as np

from platepost.models.scenes.panels import render_panel


def test_panels_are_bgr_bytes_of_every_size() -> None:
    rng = np.random.default_rng(1)
    panels = [render_panel(rng) for _ in range(200)]
    for panel in panels:
        assert panel.dtype == np.uint8
        assert panel.shape[2] == 3
        assert panel.shape[0] >= 16
        assert 24 <= panel.shape[1] <= 300
    widths = [panel.shape[1] for panel in panels]
    assert min(widths) < 40
    assert max(widths) > 250


def test_same_seed_same_panel() -> None:
    one, other = (render_panel(np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one, other)


def test_panels_are_of_many_kinds() -> None:
    """Counted by how many gray values a panel has: one for a bare one, dozens for a lamp that glows."""
    rng = np.random.default_rng(2)
    counts = [len(np.unique(render_panel(rng)[..., 0])) for _ in range(200)]
    assert min(counts) == 1
    assert sum(count == 2 for count in counts) > 10
    assert max(counts) > 60

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from platepost.simulator.scenario.observations import Condition
from platepost.simulator.scenario.timeline import WIDTH, Scale, lay_out


def test_a_scale_goes_from_end_to_end_and_never_back() -> None:
    scale = Scale([5.0, 7.0, 3 * 86400.0], end=7 * 86400.0)
    places = [scale.of(second) for second in (0, 1, 5, 6, 7, 3600, 3 * 86400, 5 * 86400, 7 * 86400)]
    assert places[0] == 0
    assert places[-1] == WIDTH
    assert all(one < other for one, other in pairwise(places))


def test_where_nothing_happens_time_is_pressed_and_said_so() -> None:
    scale = Scale([5.0, 7.0, 3 * 86400.0], end=3 * 86400.0 + 5)
    assert scale.pressed == [(7.0, 3 * 86400.0)]
    pressed = scale.of(3 * 86400.0) - scale.of(7.0)
    assert pressed < 3 * (scale.of(5.0) - scale.of(0.0)) * 12 / 5


def test_what_lies_outside_is_drawn_at_the_edge() -> None:
    scale = Scale([], end=10.0)
    assert (scale.of(-5.0), scale.of(99.0)) == (0.0, WIDTH)


def test_a_fault_is_drawn_by_its_severity() -> None:
    spans = [(0.0, "online", ""), (10.0, "degraded", "too_hot camera_silent"), (20.0, "degraded", "too_hot")]
    conditions = [Condition(at, at + 10, state, frozenset(said.split())) for at, state, said in spans]
    observed: Any = SimpleNamespace(
        records=(),
        posts={"post-1": SimpleNamespace(traffic=())},
        course=SimpleNamespace(lasts=30.0),
        scores={"post-1": SimpleNamespace(outcomes=())},
        of=lambda *_kinds, post: (),  # noqa: ARG005 - a stand-in's
        conditions=lambda _post: conditions,
    )
    (band,) = lay_out(observed, ()).bands
    assert [bar.kind for bar in band.bars] == [
        "online",
        "degraded critical",
        "degraded minor",
        "fault critical",
        "fault minor",
        "fault minor",
    ]

"""The charts of a report, drawn by matplotlib as SVG: latency, backlog, throughput."""

import io
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from platepost.simulator.scenario.events import Event
from platepost.simulator.scenario.observations import Observations
from platepost.simulator.scenario.timeline import WIDTH, Scale
from platepost.simulator.scenario.wire import HIT, READ

_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "platepost",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_HIT, _READ, _SOFT = "#d98200", "#157a45", "#7a8797"


def latency(observed: Observations) -> str:
    """Draw the real time from a record's last frame to the archive service, hits and reads apart."""
    figure, axes = _canvas()
    latencies = {
        name: sorted(1000 * entry.latency for entry in observed.of(kind) if entry.latency is not None)
        for name, kind in (("hits", HIT), ("reads", READ))
    }
    for (name, values), color in zip(latencies.items(), (_HIT, _READ), strict=True):
        if values:
            shares = [100 * (place + 1) / len(values) for place in range(len(values))]
            axes.step([values[0], *values], [0, *shares], where="post", color=color, label=f"{len(values)} {name}")
    axes.set_xlabel("milliseconds from the frame to the archive service (real time)")
    axes.set_ylabel("per cent there")
    axes.set_ylim(0, 104)
    if any(values and values[-1] > 20 * values[0] for values in latencies.values()):
        axes.set_xscale("log")
    if any(latencies.values()):
        axes.legend(frameon=False, loc="lower right")
    return _svg(figure)


def backlog(observed: Observations, events: Sequence[Event]) -> str:
    """Draw how many chained records were made, and how many had arrived, over the scenario's time."""
    figure, axes = _canvas()
    lasts = observed.course.lasts
    times = sorted(recorded.at for _, recorded in observed.made())
    samples = observed.course.samples
    reals = [sample.real for sample in samples]
    there = []
    for entry in observed.records:
        if entry.chained:
            place = min(bisect_right(reals, entry.received_real), len(samples) - 1)
            there.append(max(entry.at, samples[place - 1].at if place else 0.0))
    scale = Scale([*times, *(event.at for event in events)], end=lasts)
    for moments, color, name in ((times, _SOFT, "made"), (sorted(there), _READ, "arrived")):
        steps = [scale.of(moment) for moment in moments]
        axes.step([0, *steps, WIDTH], [0, *range(1, len(steps) + 1), len(steps)], where="post", color=color, label=name)
    axes.set_xticks([scale.of(event.at) for event in events])
    axes.set_xticklabels([str(number) for number in range(1, len(events) + 1)])
    axes.set_xlabel("simulated time, with the numbers of the events")
    axes.set_ylabel("records")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, loc="upper left")
    return _svg(figure)


def throughput(observed: Observations) -> str:
    """Draw how many frames a second of real time were evaluated."""
    figure, axes = _canvas()
    samples = observed.course.samples
    begin = samples[0].real if samples else 0.0
    times, rates = [], []
    mark = samples[0] if samples else None
    for sample in samples[1:]:
        if mark is not None and sample.real - mark.real >= _WINDOW_SECONDS:
            times.append(sample.real - begin)
            rates.append((sample.frames - mark.frames) / (sample.real - mark.real))
            mark = sample
    axes.fill_between(times, rates, step="pre", color="#1d4f91", alpha=0.25)
    axes.step(times, rates, where="pre", color="#1d4f91")
    axes.set_xlabel("seconds of real time")
    axes.set_ylabel("frames a second")
    axes.set_ylim(bottom=0)
    return _svg(figure)


_WINDOW_SECONDS = 0.5


def _canvas() -> tuple[Figure, Axes]:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(5.4, 2.7), layout="constrained")
        return figure, figure.subplots()


def _svg(figure: Figure) -> str:
    """Return the drawing as an element that can stand in a page."""
    out = io.StringIO()
    with mpl.rc_context(_STYLE):
        figure.patch.set_alpha(0)
        for axes in figure.axes:
            axes.patch.set_alpha(0)
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    return text[text.index("<svg") :]

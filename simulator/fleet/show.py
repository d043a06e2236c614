"""What a fleet's run shows in a terminal: a table at the end."""

from rich.console import Console
from rich.table import Table

from platepost.simulator.fleet.figures import Figures

MEGABYTE = 1e6


def show_figures(figures: Figures, console: Console, *, seconds: float) -> None:
    """Show what a run measured."""
    table = Table(
        title=f"{figures.posts} posts on {figures.broker}, {seconds:.0f} s", title_justify="left", show_header=False
    )
    table.add_column()
    table.add_column(justify="right", style="bold")
    for name, value in rows(figures):
        table.add_row(name, value)
    console.print(table)
    for problem in (*figures.problems, *figures.end.problems):
        console.print(problem, style="red", highlight=False)
    if figures.passed:
        console.print(
            "No record was lost, the custodian signed for all, signatures and chains are proved.", style="green"
        )


def rows(figures: Figures) -> list[tuple[str, str]]:
    """Return the figures in words, each with its value."""
    connecting, work, burst = figures.connecting, figures.work, figures.burst
    delta, outage, end = figures.delta, figures.outage, figures.end
    memory = (connecting.broker_memory - connecting.broker_memory_before) / figures.posts
    return [
        ("posts held at once, with the list in force", f"{figures.held}"),
        ("all connected after", f"{connecting.seconds:.1f} s"),
        ("the list in force on all after", f"{connecting.in_service_seconds:.1f} s"),
        ("broker's memory, all connected", f"{connecting.broker_memory / MEGABYTE:.0f} MB"),
        ("of that for each post", f"{memory / 1000:.0f} kB"),
        ("records a second at work", f"{work.rate:.0f}"),
        ("hit to record keeper at work: median, 95, 99 of 100", _delays(work.hit_seconds)),
        ("broker's processor for each record", f"{per(work.broker_cpu, work.records) * 1e3:.2f} ms"),
        ("records a second at most, of this machine", f"{burst.rate:.0f}"),
        ("size of the delta", f"{delta.package_bytes / 1000:.0f} kB"),
        ("the delta in force on half, 95, 99 of 100, all", _delays(delta.seconds, least=4)),
        ("outage", outage.kind),
        ("posts that had to connect again", f"{outage.cut}"),
        (
            "half, 99 of 100, all back after",
            f"{outage.half_seconds:.1f}, {outage.most_seconds:.1f}, {outage.all_seconds:.1f} s",
        ),
        ("most connections made in a second", f"{outage.peak}"),
        ("records made, arrived, lost", f"{end.recorded}, {end.arrived}, {end.lost}"),
        ("still on posts, without a receipt", f"{end.unreleased}"),
        ("arrived again", f"{end.repeats}"),
        ("signatures and chains proved", f"{end.verified}"),
    ]


def per(value: float, count: float) -> float:
    """Return the share of one, 0 of none."""
    return value / count if count else 0.0


def _delays(values: tuple[float, ...], *, least: int = 3) -> str:
    if not values:
        return "none"
    if max(values[:least]) < 1.0:
        return ", ".join(f"{value * 1e3:.0f}" for value in values[:least]) + " ms"
    return ", ".join(f"{value:.1f}" for value in values[:least]) + " s"

"""What a campaign shows in a terminal: progress while it runs, and a table at its end."""

from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from simulator.lab.faults.extent import Progress
from simulator.lab.faults.outcome import Outcome

LINE_SECONDS = 30.0
"""How often a line is written where there is no terminal for a bar."""
SHOWN = 20


class Show:
    """Shows how far a campaign is; a context manager."""

    def __init__(self, console: Console, *, faults: int) -> None:
        self._console = console
        self._began = self._line = monotonic()
        self._bar = Bar(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("faults  {task.fields[records]} records, {task.fields[waiting]} under way"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=faults, records=0, waiting=0)

    def changed(self, progress: Progress) -> None:
        """Show this."""
        self._bar.update(
            self._task,
            description=progress.stage,
            completed=progress.faults,
            records=progress.records,
            waiting=progress.waiting,
        )
        if not self._console.is_terminal and monotonic() - self._line >= LINE_SECONDS:
            self._line = monotonic()
            self._console.print(
                f"{self._line - self._began:.0f} s, {progress.stage}: {progress.faults} faults, "
                f"{progress.records} records, {progress.waiting} under way",
                highlight=False,
            )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


def show_outcome(outcome: Outcome, console: Console) -> None:
    """Show what a campaign came to."""
    table = Table(title=f"{len(outcome.injected)} faults in {outcome.seconds:.0f} s", title_justify="left")
    table.add_column("fault")
    for heading in ("times", "recovery, median s", "longest s"):
        table.add_column(heading, justify="right")
    for row in (*outcome.rows(), outcome.overall()):
        table.add_row(row.name, str(row.count), _seconds(row.median), _seconds(row.worst))
    console.print(table)
    for name, why in outcome.absent.items():
        console.print(f"not inflicted: {name} ({why})", style="yellow", highlight=False)
    console.print(
        f"{outcome.total('stored')} records stored, {outcome.total('delivered')} delivered, "
        f"{outcome.total('repeats')} arrived again, {outcome.total('given_up')} given up by quota and named, "
        f"{outcome.total('damaged')} on damaged pages and named, "
        f"[bold]{outcome.total('lost')} lost[/bold]; {outcome.total('chains')} chains",
        highlight=False,
    )
    if outcome.broker_ends:
        console.print(
            f"the broker ended by itself {len(outcome.broker_ends)} times (exit codes {outcome.broker_ends}) and was "
            "started again; its log is broker/mosquitto.log",
            style="yellow",
            highlight=False,
        )
    for failure in outcome.failures[:SHOWN]:
        console.print(failure, style="red", highlight=False)
    if len(outcome.failures) > SHOWN:
        console.print(f"and {len(outcome.failures) - SHOWN} more; all are in result.json", style="red", highlight=False)
    if outcome.passed:
        console.print("Every record is accounted for, and every chain is proved.", style="green")


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"

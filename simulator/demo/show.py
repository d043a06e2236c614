"""What a demonstration shows in a terminal: progress while it runs, and a table at its end."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from platepost.simulator.brokers.mosquitto import Broker
from platepost.simulator.demo.hot_list import BuiltList
from platepost.simulator.demo.outcome import DemoOutcome
from platepost.simulator.demo.report import MATCH_WORDS, duration, words
from platepost.simulator.demo.run import Observer
from platepost.simulator.ground.site import Site
from platepost.simulator.ground.subscriber import Arrival
from platepost.wire.records import TYPES, Health, Hit, HitWithdrawn, Read


class TerminalObserver(Observer):
    """Shows the course of a demonstration on a console; without a terminal, a line for every hit and read."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("frames  {task.fields[reads]} reads  [yellow]{task.fields[hits]} hits"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("the post is starting", total=None, reads=0, hits=0)
        self._frames = 0.0
        self._uptime = 0.0
        self._reads = 0
        self._hits = 0

    def begins(self, site: Site[Broker], hot_list: BuiltList, *, frames: int) -> None:
        """Say what stands around the post."""
        self._console.print(f"Fleet, hot list and post made in [bold]{site.directory}[/bold].", highlight=False)
        self._console.print(
            f"mosquitto at {site.broker.address}, mutual TLS 1.3; subscriber connected.", highlight=False
        )
        self._console.print(
            f"Hot list: {hot_list.entries} entries, {len(hot_list.refused)} rows refused.", highlight=False
        )
        for row in hot_list.refused:
            self._console.print(f"  line {row.line}: {row.reason}", style="yellow", highlight=False)
        self._progress.update(self._task, total=frames or None)
        self._progress.start()

    def arrived(self, arrival: Arrival) -> None:
        """Show a record that arrived."""
        data = arrival.data
        if arrival.kind == TYPES[Hit] and not data["synthetic"]:
            self._hits += 1
            match = MATCH_WORDS.get(data["match"], data["match"])
            self._say("hit ", "bold yellow", data["plate_read"], f"{match}, {words(data['category'])}")
        elif arrival.kind == TYPES[HitWithdrawn]:
            self._say("hit withdrawn", "bold red", data["plate_read"], words(data["reason"]))
        elif arrival.kind == TYPES[Read]:
            self._reads += 1
            seen = f"{data['frames_agreeing']} of {data['frames_seen']} frames agree"
            self._say("read", "green", data["plate_read"], f"{data['confidence']:.3f}, {seen}")
        elif arrival.kind == TYPES[Health]:
            self._frames += data["frame_rate"] * max(0.0, data["uptime_seconds"] - self._uptime)
            self._uptime = data["uptime_seconds"]
        else:
            return
        self._progress.update(
            self._task,
            description="the post at work" if self._frames else "the post is starting",
            completed=round(self._frames),
            reads=self._reads,
            hits=self._hits,
        )

    def ended(self) -> None:
        """Take the progress bar away."""
        self._progress.stop()

    def close(self) -> None:
        """Take the progress bar away, also after an error; a second call does nothing."""
        self._progress.stop()

    def _say(self, what: str, style: str, plate: str, more: str) -> None:
        line = Text.assemble((what, style), "  ", (f"{plate:<9}", "bold"), f"  {more}")
        self._progress.console.print(line)


def figures_table(outcome: DemoOutcome) -> Table:
    """Show what came of a demonstration."""
    table = Table(title="One post, end to end", title_justify="left", caption_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right", style="bold")
    score = outcome.score
    if score is not None:
        table.add_row("passages captured", f"{score.captured} of {score.passages}")
        table.add_row("read right", f"{score.right} ({score.right_folded} with O = 0 and I = 1)")
        table.add_row("false reads, duplicates", f"{len(score.undue)}, {score.duplicates}")
    else:
        table.add_row("reads", str(len(outcome.reads)))
    table.add_row("expected hits received", f"{outcome.due_received} of {outcome.due}")
    table.add_row("false hits", str(len(outcome.undue)))
    table.add_row("frames a second", f"{outcome.frames_per_second:.1f}")
    frames, dropped = outcome.account.get("frames", 0), outcome.account.get("dropped", 0)
    table.add_row("frames dropped", f"{dropped} of {frames + dropped}")
    if dropped:
        table.caption = "This machine was too busy for every frame. A post then drops frames, never records."
    table.add_row("frame to subscriber, median", duration(outcome.latency(0.5)))
    table.add_row("frame to subscriber, 95th percentile", duration(outcome.latency(0.95)))
    verified = outcome.verification
    state = Text("problems", "red") if verified.problems else Text("whole and genuine", "green")
    table.add_row("records received", f"{verified.records}, {verified.chained} of them chained")
    table.add_row("signatures and chain", state)
    custody = outcome.custody
    table.add_row("records that the department keeps", f"{custody.kept}, {custody.proved} of them proved")
    table.add_row("chained records that it signed for", f"{custody.receipted} of {verified.chained}")
    table.add_row("and that the post has deleted", f"{custody.released} of {verified.chained}")
    return table

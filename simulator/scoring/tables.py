"""The tables that the simulator's commands show to people."""

from rich.table import Table
from rich.text import Text

from platepost.device.vision.clips import ClipRead
from platepost.simulator.scoring.replay import Replay
from platepost.simulator.scoring.score import Score


def reads_table(reads: list[ClipRead]) -> Table:
    """Show the reads of a clip in the order in which their passages ended."""
    table = Table(title="Reads", title_justify="left")
    table.add_column("frames", justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("read", style="bold")
    table.add_column("confidence", justify="right")
    table.add_column("looks", justify="right")
    table.add_column("direction")
    for read in reads:
        table.add_row(
            f"{read.first_frame}-{read.last_frame}",
            f"{read.first_second:.1f}-{read.last_second:.1f}",
            read.text,
            f"{read.confidence:.3f}",
            f"{read.passage.consensus.agreeing_frames}/{read.passage.consensus.frames}",
            read.passage.direction,
        )
    return table


def score_table(score: Score) -> Table:
    """Show what became of every passage of the truth."""
    table = Table(title="Passages", title_justify="left")
    table.add_column("frames", justify="right")
    table.add_column("truth", style="bold")
    table.add_column("read", style="bold")
    table.add_column("confidence", justify="right")
    table.add_column("")
    for outcome in score.outcomes:
        read = outcome.read
        table.add_row(
            "{}-{}".format(*outcome.passage.frames),
            outcome.passage.text,
            read.text if read else "-",
            f"{read.confidence:.3f}" if read else "",
            _verdict(right=outcome.right, folded=outcome.right_folded, captured=read is not None),
        )
    for read in score.undue:
        table.add_row(
            f"{read.first_frame}-{read.last_frame}", "-", read.text, f"{read.confidence:.3f}", Text("false", "red")
        )
    return table


def summary(score: Score) -> str:
    """Say the score in one line."""
    return (
        f"{score.passages} passages, {score.captured} captured, {score.right} read right "
        f"({score.right_folded} with O = 0 and I = 1), {len(score.undue)} false reads, {score.duplicates} duplicates"
    )


def pace_line(replay: Replay) -> str:
    """Say how long the replay took, and what it left out."""
    counters = replay.pipeline.counters
    rate = counters.frames / replay.seconds if replay.seconds else 0.0
    return (
        f"{counters.frames} frames in {replay.seconds:.1f} s ({rate:.0f} a second), {counters.idle} without motion, "
        f"{counters.unreadable} passages unreadable, {counters.repeats} repeated"
    )


def _verdict(*, right: bool, folded: bool, captured: bool) -> Text:
    if right:
        return Text("right", "green")
    if folded:
        return Text("right but for O/0, I/1", "yellow")
    return Text("wrong" if captured else "missed", "red")

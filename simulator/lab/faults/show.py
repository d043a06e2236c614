"""What a campaign shows in a terminal at its end."""

from rich.console import Console
from rich.table import Table

from platepost.simulator.lab.faults.result import CampaignResult

SHOWN = 20


def show_result(result: CampaignResult, console: Console) -> None:
    """Show what a campaign came to."""
    table = Table(title=f"{len(result.injected)} faults in {result.seconds:.0f} s", title_justify="left")
    table.add_column("fault")
    for heading in ("times", "recovery, median s", "longest s"):
        table.add_column(heading, justify="right")
    for row in (*result.rows(), result.overall()):
        table.add_row(row.name, str(row.count), _seconds(row.median), _seconds(row.worst))
    console.print(table)
    for name, why in result.absent.items():
        console.print(f"not inflicted: {name} ({why})", style="yellow", highlight=False)
    console.print(
        f"{result.total('stored')} records stored, {result.total('delivered')} delivered, "
        f"{result.total('repeats')} arrived again, {result.total('given_up')} given up by quota and named, "
        f"{result.total('damaged')} on damaged pages and named, "
        f"[bold]{result.total('lost')} lost[/bold]; {result.total('chains')} chains",
        highlight=False,
    )
    if result.broker_ends:
        console.print(
            f"the broker ended by itself {len(result.broker_ends)} times (exit codes {result.broker_ends}) and was "
            "started again; its log is broker/mosquitto.log",
            style="yellow",
            highlight=False,
        )
    for failure in result.failures[:SHOWN]:
        console.print(failure, style="red", highlight=False)
    if len(result.failures) > SHOWN:
        console.print(f"and {len(result.failures) - SHOWN} more; all are in result.json", style="red", highlight=False)
    if result.passed:
        console.print("Every record is accounted for, and every chain is proved.", style="green")


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"

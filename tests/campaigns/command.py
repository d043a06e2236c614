"""What the commands of all campaigns share: a folder, a seed, progress, the outcome as JSON, and the exit code."""

import functools
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from platepost.simulator.errors import CampaignError
from platepost.simulator.ground.run_folder import claim_folder
from tests.campaigns.progress import ProgressDisplay

MOST_SHOWN = 20
"""Problems that are shown in a terminal; outcome.json has all."""
OUTCOME = "outcome.json"


@dataclass(frozen=True, kw_only=True)
class Outcome(ABC):
    """What a campaign came to."""

    problems: tuple[str, ...]
    """All that went wrong, in sentences."""
    seconds: float
    """How long it took."""

    @property
    def passed(self) -> bool:
        """Whether nothing went wrong."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return everything for scripts."""
        return {"passed": self.passed, **asdict(self)}

    @abstractmethod
    def show(self, console: Console) -> None:
        """Show the figures in a terminal; the problems follow them."""


class Run:
    """One run of a campaign's command."""

    def __init__(self, directory: Path, *, seed: int, console: Console, progress: ProgressDisplay) -> None:
        self.directory = directory
        """The campaign's own, and empty."""
        self.seed = seed
        self.console = console
        self.progress = progress
        self.outcome: Outcome | None = None

    def report(self, outcome: Outcome) -> None:
        """Write the outcome into the folder and show it; as JSON where the console is standard error."""
        self.outcome = outcome
        self.progress.stop()
        text = json.dumps(outcome.as_json(), indent=2)
        (self.directory / OUTCOME).write_text(text + "\n", encoding="utf-8")
        if self.console.stderr:
            click.echo(text)
        outcome.show(self.console)
        for problem in outcome.problems[:MOST_SHOWN]:
            self.console.print(problem, style="red", highlight=False, markup=False)
        if len(outcome.problems) > MOST_SHOWN:
            more = f"and {len(outcome.problems) - MOST_SHOWN} more; all are in {OUTCOME}"
            self.console.print(more, style="red", highlight=False)
        if outcome.passed:
            self.console.print("passed", style="green")


def campaign_command(name: str, *, epilog: str) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command of a function that runs a campaign and reports its outcome; the exit code is 0 if it passed.

    Args:
        name: the command's, and that of its folder in `build`.
        epilog: examples, and what the exit code says.

    """

    shared = (
        click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON document."),
        click.option("--seed", type=int, default=1, show_default=True, help="Random seed."),
        click.option(
            "--directory",
            type=click.Path(file_okay=False, path_type=Path),
            default=Path("build", name),
            show_default=True,
            help="Working folder; emptied if an earlier run made it.",
        ),
    )

    def decorate(function: Callable[..., None]) -> click.Command:
        @click.pass_context
        def run(context: click.Context, /, *, directory: Path, seed: int, as_json: bool, **options: Any) -> None:
            logging.basicConfig(level=logging.ERROR)
            directory, console = directory.absolute(), Console(stderr=as_json)
            with (
                ProgressDisplay(console) as progress,
                claim_folder(directory, marker=f".platepost-{name}", owner="a campaign's", error=CampaignError),
            ):
                running = Run(directory, seed=seed, console=console, progress=progress)
                function(running, **options)
            context.exit(0 if running.outcome is not None and running.outcome.passed else 1)

        command = functools.update_wrapper(run, function)  # its own options, and its docstring, which is the help
        for option in shared:
            command = option(command)
        return click.command(name, epilog=epilog)(command)

    return decorate

"""`platepost simulate fleet-model`: what 10,000 and 100,000 posts need, by what a run measured."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from platepost.simulator.lab.fleet.figures import Figures
from platepost.simulator.lab.fleet.model import Assumptions, Fitted, Need, need
from platepost.simulator.lab.fleet.show import rows

DEFAULT = Assumptions()
POSTS = (3_000, 10_000, 100_000)


@click.command(
    "fleet-model",
    epilog="""\b
Examples:
  platepost simulate fleet-model fleet-mosquitto.json fleet-rabbitmq.json
  platepost simulate fleet-model fleet-rabbitmq.json --posts 25000 --assume vehicles_a_day=4000 --assume link_mbit=10000
""",
)
@click.argument(
    "paths", metavar="FIGURES...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--posts", "fleets", type=click.IntRange(min=1), multiple=True, help="Fleet size; repeat for more.")
@click.option(
    "--assume",
    "assumed",
    metavar="NAME=VALUE",
    multiple=True,
    help="Change an assumption; the last table lists all.",
)
@click.option("--markdown", is_flag=True, help="Print the tables as in docs/scale.md.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def fleet_model(
    *, paths: tuple[Path, ...], fleets: tuple[int, ...], assumed: tuple[str, ...], markdown: bool, as_json: bool
) -> None:
    """Estimate what larger fleets need, from FIGURES of `platepost simulate fleet --output`."""
    assumptions = _assumptions(assumed)
    found = [Figures.load(path) for path in paths]
    fits = map(Fitted.of, found)
    needs = [(fitted, [need(posts, fitted, assumptions) for posts in fleets or POSTS]) for fitted in fits]
    if as_json:
        document = {
            "assumptions": dataclasses.asdict(assumptions),
            "brokers": [
                {"fitted": dataclasses.asdict(fitted), "needs": [dataclasses.asdict(each) for each in wanted]}
                for fitted, wanted in needs
            ],
        }
        click.echo(json.dumps(document, indent=2))
        return
    measured = [rows(figures) for figures in found]
    head = ("", *(f"{figures.posts:,} posts on {figures.broker}" for figures in found))
    body = [(each[0][0], *(value for _, value in each)) for each in zip(*measured, strict=True)]
    _print("measured", [head, *body], markdown=markdown)
    for figures, (fitted, wanted) in zip(found, needs, strict=True):
        title = f"{fitted.broker}, fitted to {figures.posts} posts"
        lines = [("", *(f"{each.posts:,} posts" for each in wanted)), *_lines(wanted)]
        _print(title, lines, markdown=markdown)
    _print("assumed", [("", ""), *((name, f"{value:g}") for name, value in _told(assumptions))], markdown=markdown)


def _lines(needs: list[Need]) -> list[tuple[str, ...]]:
    described: list[tuple[str, Callable[[Need], str]]] = [
        ("records a second at the peak", lambda each: f"{each.records_peak:,.0f}"),
        ("into the brokers at the peak", lambda each: f"{each.inbound_mbit:,.0f} Mbit/s"),
        ("districts, each with a broker and a list", lambda each: f"{each.districts}"),
        ("posts of a district at most, bounded by", lambda each: f"{min(each.bounds.values()):,}, {each.bound_by}"),
        ("machines", lambda each: f"{each.machines}"),
        ("cores busy at the peak, all together", lambda each: f"{each.cores:.1f}"),
        ("brokers' memory, all together", lambda each: f"{each.memory_gb:,.1f} GB"),
        ("a district's delta", lambda each: f"{each.delta_bytes / 1e6:.2f} MB"),
        ("a delta to all posts", lambda each: f"{each.delta_all_bytes / 1e9:,.1f} GB"),
        ("a district's posts taken back in", lambda each: f"{each.return_seconds:.0f} s at least"),
        ("kept while the record keeper is away", lambda each: f"{each.kept_gb:,.0f} GB"),
        ("a post's mobile data a month", lambda each: f"{each.mobile_gb_month:.1f} GB"),
        ("brokers, US dollars a month", lambda each: f"{each.brokers_cost:,.0f}"),
        ("mobile data, US dollars a month", lambda each: f"{each.mobile_cost:,.0f}"),
    ]
    return [(name, *(show(each) for each in needs)) for name, show in described]


def _told(assumptions: Assumptions) -> list[tuple[str, float]]:
    return [(field.name, getattr(assumptions, field.name)) for field in dataclasses.fields(assumptions)]


def _print(title: str, lines: list[tuple[str, ...]], *, markdown: bool) -> None:
    head, *body = lines
    if markdown:
        click.echo(f"| {title} |" + "".join(f" {cell} |" for cell in head[1:]))
        click.echo("|---|" + "---|" * (len(head) - 1))
        for row in body:
            click.echo("| " + " | ".join(row) + " |")
        click.echo()
        return
    table = Table(title=title, title_justify="left")
    for number, cell in enumerate(head):
        table.add_column(cell, justify="right" if number else "left")
    for row in body:
        table.add_row(*row)
    Console().print(table)


def _assumptions(given: tuple[str, ...]) -> Assumptions:
    known = {name: isinstance(value, int) for name, value in _told(DEFAULT)}
    changes: dict[str, float] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if name not in known or not equals:
            raise click.BadParameter(f"{text!r}: expected NAME=VALUE, NAME one of {', '.join(known)}")
        try:
            changes[name] = int(value) if known[name] else float(value)
        except ValueError as error:
            raise click.BadParameter(f"{text!r}: {value!r} is not a number") from error
        if changes[name] <= 0:
            raise click.BadParameter(f"{text!r}: it must be more than 0")
    return dataclasses.replace(DEFAULT, **changes)  # type: ignore[arg-type]  # checked above

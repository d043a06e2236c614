"""`platepost provision software`: software for the whole fleet, with canaries, waves and a way back."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click
from pydantic import JsonValue

from platepost.common.commands.options import Number
from platepost.common.signals import ORDERLY_SECONDS, Stopped, current, stop_on_signals
from platepost.provisioning.commands.options import BROKER, FLEET, FleetSession, acting, progress_lines
from platepost.provisioning.connection import Connection
from platepost.provisioning.control.read_figures import command_source
from platepost.provisioning.control.rollout import Rollout, Target
from platepost.provisioning.control.software_rollout import RolloutState, SoftwareRollout
from platepost.provisioning.errors import ProvisioningError

PAUSED = 3
"""Exit code of a rollout that was paused."""


@click.group()
def software() -> None:
    """Order which software posts run."""


@software.command(
    epilog="""\b
Examples:
  platepost provision software rollout fleet --version 0.2.0 --canary post-17 --canary post-2 --wave 10 --wave 50 \\
      --figures "platepost department read-figures vault" --purpose "release 0.2.0"
  platepost provision software rollout fleet --resume --figures "..." --purpose "release 0.2.0"      after Ctrl-C
  platepost provision software rollout fleet --back --figures "..." --purpose "complaints from dispatch"
"""
)
@FLEET
@click.option("--version", help="The version to order, as 0.2.0.")
@click.option("--canary", "canaries", multiple=True, help="A post that gets it first; repeat for more.")
@click.option(
    "--wave",
    "percents",
    type=Number(0, 100, min_open=True),
    multiple=True,
    help="Percent of the fleet that have it after the next wave; repeat for more. The last wave has all others.",
)
@click.option("--resume", is_flag=True, help="Continue a rollout that was paused.")
@click.option("--back", is_flag=True, help="Roll back a rollout that was paused.")
@click.option(
    "--figures",
    required=True,
    help="Command that prints what posts read, such as 'platepost department read-figures FOLDER'.",
)
@click.option(
    "--watch",
    "watch_hours",
    type=Number(0, 720, min_open=True),
    default=24.0,
    show_default=True,
    help="Hours to watch each wave; the reads are compared with as many hours before.",
)
@click.option(
    "--least-reads",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="Reads of a wave, without which it isn't judged.",
)
@click.option("--window-begin", type=click.IntRange(0, 23), default=0, help="Hour, UTC, from which posts may install.")
@click.option("--window-hours", type=click.IntRange(1, 24), default=24, help="For how many hours from then.")
@click.option(
    "--wait",
    "seconds",
    type=Number(0, 86_400, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds in which a post must answer an order.",
)
@click.option(
    "--install",
    "install_hours",
    type=Number(0, 720, min_open=True),
    default=26.0,
    show_default=True,
    help="Hours in which a post must run what was ordered, its window included.",
)
@click.option(
    "--away",
    "away_minutes",
    type=Number(0, 10_080, min_open=True),
    default=20.0,
    show_default=True,
    help="Minutes for which a post may be away.",
)
@BROKER
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON at the end.")
@acting
def rollout(
    *,
    session: FleetSession,
    version: str | None,
    canaries: tuple[str, ...],
    percents: tuple[float, ...],
    resume: bool,
    back: bool,
    figures: str,
    watch_hours: float,
    least_reads: int,
    window_begin: int,
    window_hours: int,
    seconds: float,
    install_hours: float,
    away_minutes: float,
    broker: str | None,
    as_json: bool,
) -> None:
    """Order a version of the software for the fleet of DIRECTORY: canaries first, then wave after wave.

    Each wave is watched, and what it reads is compared with the time before: how many plates, how many of them are
    known, how many hits, how soon they arrive. If that is worse, or a post gets a new fault, stays away, or does not
    run the version, all go back to the version that they had.

    Ctrl-C pauses: posts keep what they have, and --resume continues. Posts that are away are left out; order the same
    version again for them. Exit code: 0 if all present posts run it, 1 if it was rolled back, 3 if it was paused.
    """
    click.get_current_context().with_resource(stop_on_signals())
    fleet = session.fleet

    say = progress_lines(as_json=as_json)
    paused = RolloutState.load(fleet)
    if (resume or back) == (version is not None) or (resume and back):
        raise ProvisioningError("give --version with --canary to begin, or --resume, or --back")
    if paused is not None and version is not None:
        raise ProvisioningError(f"a rollout of {paused.version} is under way: --resume or --back first")
    if paused is None and version is None:
        raise ProvisioningError("no rollout is paused")
    source = command_source(figures)
    posts = [post for post in fleet.posts() if fleet.record_key(post).exists()]
    address = broker or fleet.broker_address
    with Connection(fleet.publisher, broker=address, topics=Rollout.topics(fleet, posts)) as connection:
        state = paused
        if state is None:
            survey = Rollout(fleet, connection, who=session.person.name, apply_seconds=0, watch_seconds=0, say=say)
            former = survey.versions(posts)
            say(f"away, and left out: {', '.join(sorted({*posts} - {*former})) or 'none'}")
            state = RolloutState.begin(
                str(version),
                former=former,
                canaries=canaries,
                percents=percents,
                settings={"window_begin": window_begin, "window_hours": window_hours},
            )
        software_rollout = SoftwareRollout(
            fleet,
            connection,
            who=session.person.name,
            state=state,
            figures=source,
            compare=timedelta(hours=watch_hours),
            apply_seconds=seconds,
            watch_seconds=3600 * watch_hours,
            update_seconds=3600 * install_hours,
            away_seconds=60 * away_minutes,
            least_reads=least_reads,
            say=say,
        )
        targets = software_rollout.survey([*state.former])
        details: dict[str, JsonValue] = {"version": state.version, "canaries": list(state.waves[0])}
        session.did("software_rollout", details=details | {"resumed": resume, "back": back})
        result = _run(software_rollout, targets, back=back, say=say)
        outcome = "software_rolled_back" if result["wrong"] or back else "software_rolled_out"
        session.did(
            "software_paused" if result["paused"] else outcome,
            outcome="failure" if result["wrong"] else "success",
            details=details | {"wrong": result["wrong"], "not_back": result["not_back"]},
        )
    if as_json:
        click.echo(json.dumps(result))
    if result["paused"]:
        raise SystemExit(PAUSED)
    if result["wrong"]:
        raise SystemExit(1)


def _run(
    made: SoftwareRollout, targets: dict[str, Target], *, back: bool, say: Callable[[str], None]
) -> dict[str, Any]:
    state = made.state
    wrong: dict[str, str] = {}
    try:
        if not back:
            wrong = made.order(targets)
            if not wrong:
                say(f"{len(state.ordered)} posts run {state.version}")
                return _result(state)
    except Stopped:
        current().allow(ORDERLY_SECONDS)
        say(f"paused after {state.done} of {len(state.waves)} waves: --resume continues, --back takes it back")
        return _result(state, paused=True)
    except ProvisioningError as error:
        wrong = dict.fromkeys(state.ordered, f"not judged: {error}")
    for post, why in sorted(wrong.items()):
        say(f"{post} {why}")
    say(f"taking it back from {len(state.ordered)} posts")
    not_back = made.take_back(targets)
    for post, why in sorted(not_back.items()):
        say(f"{post}, ordered to go back, {why}")
    return _result(state, wrong=wrong, not_back=not_back)


def _result(
    state: RolloutState,
    *,
    wrong: dict[str, str] | None = None,
    not_back: dict[str, str] | None = None,
    paused: bool = False,
) -> dict[str, Any]:
    return {
        "version": state.version,
        "state": state.state,
        "paused": paused,
        "waves": [len(wave) for wave in state.waves],
        "done": state.done,
        "ordered": state.ordered,
        "wrong": wrong or {},
        "not_back": not_back or {},
    }

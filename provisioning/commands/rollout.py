"""`platepost provision configuration rollout`: one change for the whole fleet, with canaries and a way back."""

import json
import logging
from pathlib import Path
from typing import Any

import click
from pydantic import JsonValue

from platepost.common.commands.options import Number
from platepost.common.signals import ORDERLY_SECONDS, Stopped, current, stop_on_signals
from platepost.provisioning.commands.options import BROKER, FLEET, FleetSession, acting, progress_lines
from platepost.provisioning.commands.settings_input import read_settings, settings_options
from platepost.provisioning.connection import Connection
from platepost.provisioning.control.rollout import Rollout, Target
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.ssh import SshAuthority

log = logging.getLogger(__name__)

_STOPPED_ANSWER_SECONDS = 2.0
"""For the broker to be there, for it to take a message, and for posts to answer, where a person waits for the end."""
_SECONDS_PER_POST = 0.1
"""To sign a post's former configuration, and to have the broker take it."""
_HALFWAY = "interrupted while rolling back: check which version each post uses"


@click.command(
    epilog="""\b
Examples:
  platepost provision configuration rollout fleet --set vision.minimum_confidence=0.45 --canary post-17 \\
      --purpose "work order 8001"
  platepost provision configuration rollout fleet --from settings.toml --canary post-17 --canary post-2 --watch 30 \\
      --purpose "work order 8001"
  platepost provision configuration rollout fleet --canary post-17 --watch 0 --purpose "revoked ssh certificates"
"""
)
@FLEET
@settings_options
@click.option("--canary", "canaries", multiple=True, required=True, help="A post that gets it first; repeat for more.")
@click.option("--post", "posts", multiple=True, help="Limit the rollout to these posts.  [default: the whole fleet]")
@click.option(
    "--watch",
    "minutes",
    type=Number(0, 10_080),
    default=6.0,
    show_default=True,
    help="Minutes to watch the canaries, and then all posts; a post's own trial takes 5.",
)
@click.option(
    "--wait",
    "seconds",
    type=Number(0, 86_400, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds in which a post must answer.",
)
@BROKER
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON at the end.")
@acting
def rollout(
    *,
    session: FleetSession,
    pairs: tuple[str, ...],
    source: Path | None,
    canaries: tuple[str, ...],
    posts: tuple[str, ...],
    minutes: float,
    seconds: float,
    broker: str | None,
    as_json: bool,
) -> None:
    """Change settings in the fleet of DIRECTORY: canary posts first, then, if they stay healthy, all posts.

    The change is added to each post's current configuration. If any post refuses it, reverts it, goes silent or shows a
    new fault, the rollout ends and every post gets its previous configuration back. The same happens on Ctrl-C, an
    error or a lost connection. Posts that are offline get the change when they return. The exit code is 1 if it was
    rolled back.
    """
    click.get_current_context().with_resource(stop_on_signals())  # no one would watch the posts any more
    fleet = session.fleet
    change = read_settings(source, pairs)
    chosen = _chosen(fleet, canaries, posts)
    if not change and not SshAuthority(fleet).revoked():
        raise ProvisioningError("nothing to change: give --set or --from")

    say = progress_lines(as_json=as_json)
    address = broker or fleet.broker_address
    with Connection(fleet.publisher, broker=address, topics=Rollout.topics(fleet, chosen)) as connection:
        configuration_rollout = Rollout(
            fleet, connection, who=session.person.name, apply_seconds=seconds, watch_seconds=60 * minutes, say=say
        )
        targets = configuration_rollout.survey(chosen)
        away = [post for post in canaries if not targets[post].present]
        if away:
            raise ProvisioningError(f"canaries must be online; these are not: {', '.join(away)}")
        details: dict[str, JsonValue] = {"change": dict(change), "canaries": list(canaries), "posts": len(chosen)}
        session.did("configuration_rollout", details=details)
        # What is logged if not even the way back comes to its end.
        result: dict[str, Any] = {"wrong": dict.fromkeys(canaries, _HALFWAY), "not_back": {}}
        try:
            result = _run(configuration_rollout, targets, canaries, change, say)
        finally:
            session.did(
                "configuration_rolled_out" if not result["wrong"] else "configuration_rolled_back",
                outcome="failure" if result["wrong"] else "success",
                details={"wrong": result["wrong"], "not_back": result["not_back"]},
            )
    if as_json:
        click.echo(json.dumps(result))
    if result["wrong"]:
        raise SystemExit(1)


def _run(
    made: Rollout,
    targets: dict[str, Target],
    canaries: tuple[str, ...],
    change: dict[str, Any],
    say: Any,
) -> dict[str, Any]:
    changed: list[Target] = []
    stages = (
        ("canaries", [targets[post] for post in canaries]),
        ("others", [target for post, target in targets.items() if post not in canaries]),
    )
    try:
        for name, stage in stages:
            say(f"{name}: {', '.join(target.post for target in stage) or 'none'}")
            changed += stage
            wrong = made.stage(stage, change)
            if wrong:
                return _back(made, changed, wrong, say)
    except Stopped:
        current().allow(ORDERLY_SECONDS + _SECONDS_PER_POST * len(changed))
        wrong = dict.fromkeys(canaries, "broken off by hand, or its terminal was lost")
        made.wait_less(_STOPPED_ANSWER_SECONDS)
        return _back(made, changed, wrong, say)
    except Exception as error:
        # Whatever it is: no post may be left with what no one watches.
        log.debug("the rollout was broken off", exc_info=True)
        return _back(made, changed, dict.fromkeys(canaries, f"broken off: {error or type(error).__name__}"), say)
    waiting = sorted(target.post for target in changed if not target.present)
    say(f"{len(changed) - len(waiting)} posts go by it" + (f"; away: {', '.join(waiting)}" if waiting else ""))
    return {"wrong": {}, "applied": sorted(t.post for t in changed if t.present), "away": waiting, "not_back": {}}


def _back(made: Rollout, changed: list[Target], wrong: dict[str, str], say: Any) -> dict[str, Any]:
    for post, why in sorted(wrong.items()):
        say(f"{post} {why}")
    touched = [target for target in changed if target.version is not None]
    say(f"rolling back: {', '.join(target.post for target in touched)}")
    not_back = made.roll_back(touched)
    for post, why in sorted(not_back.items()):
        say(f"{post}, told to go back, {why}")
    return {"wrong": wrong, "applied": [], "away": [], "not_back": not_back}


def _chosen(fleet: Fleet, canaries: tuple[str, ...], posts: tuple[str, ...]) -> list[str]:
    known = fleet.posts()
    foreign = sorted({*canaries, *posts} - {*known})
    if foreign:
        raise ProvisioningError(f"no post of this fleet: {', '.join(foreign)}; it has: {', '.join(known) or 'none'}")
    # Clients of a proof are posts for a minute, without a key.
    return sorted({*canaries, *posts}) if posts else [post for post in known if fleet.record_key(post).exists()]

"""`platepost board`: tests what is connected to this unit's GPIO by hand, or sets every output to its safe state."""

import json
import time
from pathlib import Path

import click

from platepost.common.commands.options import Number
from platepost.common.signals import Stop, stop_on_signals
from platepost.device import backends
from platepost.device.board.base import DARK_SECONDS, Board, Light
from platepost.device.commands.options import CONFIG
from platepost.device.config import load

CHECK_SECONDS = 0.1


@click.command(
    epilog="""\b
Examples:
  platepost board --config post.toml                        report when case and door are opened
  platepost board --config post.toml --light fault          blink like a post that reads nothing
  platepost board --config post.toml --illuminator --seconds 5
  platepost board --config post.toml --camera-power-cycle
  platepost board --config post.toml --safe                 set all outputs safe, and exit

\b
Stop the post first (systemctl stop platepost): both need the pins. Every output returns to its safe state at the end.
"""
)
@CONFIG
@click.option("--safe", is_flag=True, help="Set every output to its safe state and exit.")
@click.option("--light", type=click.Choice([light.value for light in Light]), help="Show a state on the status light.")
@click.option("--illuminator", is_flag=True, help="Switch the illuminator on, as configured.")
@click.option("--camera-power-cycle", is_flag=True, help=f"Take the camera's supply away for {DARK_SECONDS:g} s.")
@click.option(
    "--seconds",
    type=Number(0, 3600),
    default=20.0,
    show_default=True,
    help="How long to run; Ctrl-C stops it sooner.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each change of a switch.")
def board(
    *,
    path: Path,
    safe: bool,
    light: str | None,
    illuminator: bool,
    camera_power_cycle: bool,
    seconds: float,
    as_json: bool,
) -> None:
    """Test this unit's status light, illuminator, camera power and switches.

    Without options it only reports which switches open and close.
    """
    section = load(path).board
    with stop_on_signals() as stop, backends.board(section.backend, section.settings) as one:
        if safe:
            return
        if light is not None:
            one.status_light(Light(light))
        if illuminator:
            one.illuminator(on=True)
        if camera_power_cycle:
            one.camera_power(on=False)
            stop.sleep(DARK_SECONDS)
            one.camera_power(on=True)
        _listen(one, seconds, stop, as_json=as_json)


def _listen(one: Board, seconds: float, stop: Stop, *, as_json: bool) -> None:
    inputs: dict[str, bool] = {}
    until = time.monotonic() + seconds
    while True:
        for name, is_open in (("case", one.tamper_open()), ("door", one.door_open())):
            if inputs.get(name) == is_open:
                continue
            inputs[name] = is_open
            if as_json:
                click.echo(json.dumps({"switch": name, "open": is_open}))
            else:
                click.echo(f"{name}: {'open' if is_open else 'closed'}")
        left = until - time.monotonic()
        if left <= 0 or stop.wait(min(CHECK_SECONDS, left)):
            return

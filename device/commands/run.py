"""`platepost run`: one post, until it is told to stop."""

import json
import logging
import os
import sys
from dataclasses import asdict
from pathlib import Path

import click

from platepost.common.errors import ConfigurationError
from platepost.common.signals import ORDERLY_SECONDS, stop_on_signals
from platepost.device import backends
from platepost.device.commands.options import CONFIG
from platepost.device.config import load
from platepost.device.enrollment.provider import begin_with_tpm
from platepost.device.post import Post

log = logging.getLogger(__name__)

AILING = 75
"""Exit code of a post whose camera needs a new process; `EX_TEMPFAIL` of sysexits.h: try again."""


@click.command(
    epilog="""\b
Examples:
  platepost run --config post.toml
  platepost run --config post.toml --check     only check the configuration
"""
)
@CONFIG
@click.option("--check", is_flag=True, help="Check the configuration and exit.")
@click.option("--json", "as_json", is_flag=True, help="Print a summary as one line of JSON.")
def run(*, path: Path, check: bool, as_json: bool) -> None:
    """Run the post described by a configuration file.

    It stops at SIGTERM, SIGHUP or SIGINT, or when its footage ends, after delivering waiting records for up to the
    configured time (uplink.drain_seconds). A second Ctrl-C ends it at once. The rest stays in the outbox until the next
    start.
    """
    configuration = load(path)
    if check:
        backends.check_camera(configuration.camera.backend, configuration.camera.settings)
        backends.check_board(configuration.board.backend, configuration.board.settings)
        click.echo(f"{path}: valid; this is post {configuration.post.name} of {configuration.post.agency}")
        return
    _refuse_foreign_state(configuration.outbox.path.parent)
    # Before signals are noted: a stop that was noted would be forgotten by the program that takes this one's place.
    begin_with_tpm(configuration.uplink.private_key, path.parent)
    with stop_on_signals() as stop:
        stop.allow(configuration.uplink.drain_seconds + ORDERLY_SECONDS)
        post = Post(configuration)
        with stop.on_request(post.stop):
            account = post.run()
    if as_json:
        click.echo(json.dumps(asdict(account)))
    log.info("%s", account)
    if account.ailing and "NOTIFY_SOCKET" in os.environ:
        # Not in order: what runs at exit would wait for the driver that hangs. The supervisor starts it again.
        logging.shutdown()
        sys.stdout.flush()
        os._exit(AILING)
    if account.restart or account.ailing:
        # The same process number: its supervisor sees no end. A fresh interpreter: as after a power cut.
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - no shell, its own arguments


def _refuse_foreign_state(folder: Path) -> None:
    """Raise ConfigurationError for root where the service's user owns the state: it could not read root's files."""
    if os.geteuid() != 0 or not folder.exists() or folder.stat().st_uid == 0:
        return
    raise ConfigurationError(
        f"{folder} belongs to the user of the post's service, which could not read what root writes there. Nothing was "
        "started. Start the service: sudo systemctl start platepost"
    )

"""`platepost department keep`: runs the archive service (the keeper), which receives and stores the posts' records."""

import click

from platepost.common.signals import stop_on_signals
from platepost.department.commands.archive_service import ArchiveService
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER
from platepost.department.session import running_database


@click.command(
    epilog="""\b
Examples:
  platepost department keep /var/lib/platepost-department
  platepost department keep /var/lib/platepost-department --json | jq -c 'select(.event == "waiting")'
You can kill it at any time. After a restore from backup it starts a new epoch automatically. If you restored the
receipt log as well, give --new-epoch once.
"""
)
@FOLDER
@click.option("--new-epoch", is_flag=True, help="Have posts ignore all earlier receipts.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON per event.")
def keep(*, folder: DepartmentFolder, new_epoch: bool, as_json: bool) -> None:
    """Receive the posts' records: verify, store and acknowledge each, and sign a receipt.

    SIGTERM or Ctrl-C stops it after the current batch. If a broker or the database is down, or a disk is full, it
    reports that, waits, and resumes; posts keep every record that has no receipt.
    """
    # Signals come first, so that a private database that was started is always stopped.
    with stop_on_signals() as stop:
        service = ArchiveService(folder, new_epoch=new_epoch, as_json=as_json)
        with running_database(folder), stop.on_request(service.keeper.stop):
            try:
                service.keeper.run()
            finally:
                service.checkpoints.stop()

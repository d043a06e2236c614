"""`platepost provision fleet backup` and `restore`."""

from pathlib import Path

import click

from platepost.provisioning.commands.options import FILE, FLEET, NEW_FILE, NEW_FOLDER, FleetSession, acting, who_and_why
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.backup import open_fleet, seal_fleet
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.people import administrators
from platepost.provisioning.trust.keys import replace_private, write_private
from platepost.provisioning.trust.passphrase import PassphraseSource

_PHRASE = "PLATEPOST_BACKUP_PASSPHRASE_FILE"


@click.command(
    epilog="""\b
Example:
  platepost provision fleet backup fleet /media/safe/fleet-2027-01-31.backup --purpose "monthly"
"""
)
@FLEET
@click.argument("file", type=NEW_FILE)
@acting
def backup(*, session: FleetSession, file: Path) -> None:
    """Back up a fleet into FILE, encrypted with a passphrase that you enter."""
    fleet = session.fleet
    if file.exists():
        raise ProvisioningError(f"{file} already exists; a backup is not overwritten")
    phrase = PassphraseSource(_PHRASE).new_passphrase("the backup")
    try:
        write_private(file, b"")
    except OSError as error:
        raise _unwritten(file, error) from error
    # Before it is made, so that the log in the backup says that it was.
    session.did("fleet_backed_up", object=file.name)
    end = fleet.acts.head
    try:
        replace_private(file, seal_fleet(fleet, phrase))
    except OSError as error:
        failure = _unwritten(file, error)
        _take_back(session, file, str(failure))
        raise failure from error
    except BaseException as error:
        _take_back(session, file, str(error) or type(error).__name__)
        raise
    click.echo(f"Written to {file}. Keep it and its passphrase in two places.")
    click.echo(f"The log of acts goes to {end}: note that down, for `platepost verify --head` at the next audit.")


def _take_back(session: FleetSession, file: Path, why: str) -> None:
    file.unlink()
    session.did("fleet_backed_up", object=file.name, outcome="failure", details={"message": why[:300]})


def _unwritten(file: Path, error: OSError) -> ProvisioningError:
    return ProvisioningError(f"{file}: the backup cannot be written: {error.strerror or error}")


@click.command(
    epilog="""\b
Example:
  platepost provision fleet restore /media/safe/fleet-2027-01-31.backup fleet --purpose "the office's disk failed"
"""
)
@click.argument("file", type=FILE)
@click.argument("directory", type=NEW_FOLDER)
@who_and_why
def restore(*, file: Path, directory: Path, who: str | None, purpose: str) -> None:
    """Restore the fleet in the backup FILE to the new folder DIRECTORY.

    Repeat what happened after the backup: revoke what was stolen, and expire people who left. Anyone who may act on the
    fleet may restore it, and the restore is logged; if all administrators' certifications have ended, the passphrase is
    enough.
    """

    def log(fleet: Fleet) -> None:
        if administrators.are_left(fleet.people):
            FleetSession(fleet, who, purpose).did("fleet_restored", object=file.name)

    phrase = PassphraseSource(_PHRASE).passphrase("the backup")
    fleet = open_fleet(file.read_bytes(), phrase, directory.absolute(), first=log)
    click.echo(f"The fleet of {fleet.agency} is in {directory}, with {len(fleet.posts())} posts.")

"""Who answers for what is done with hot lists: a person, a service that builds them, or no one, and then that is said.

Hot lists are built by cron as well as by hand. What is done in no one's name must not be put down to the fleet's only
administrator, as other commands do, nor may it end because there is no one to ask for a passphrase.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from pydantic import JsonValue

from platepost.provisioning.commands.options import Command, FleetSession
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.unattributed import nobody, user
from platepost.provisioning.people.acts import ActLog, Author, broken_off, checked_purpose
from platepost.provisioning.people.person import Person
from platepost.wire.records import Role, new_identifier

LIST_MAKERS = frozenset({Role.ADMINISTRATOR, Role.LIST_BUILDER})


def optional_author(command: Command) -> Command:
    """Add the options that say who acts, `who`, and why, `purpose`, as `acting` does, but demand neither."""
    who = click.option(
        "--as",
        "who",
        envvar="PLATEPOST_PERSON",
        help=(
            "Who acts: a name, or an identity's folder.  [default with --purpose: PLATEPOST_PERSON, or the fleet's "
            "only administrator]. Without both options the log of acts shows it as unsigned."
        ),
    )
    purpose = click.option("--purpose", help="Your reason, for the log of acts; never a plate. Needed with --as.")
    return who(purpose(command))


def author_of(fleet: Fleet | None, who: str | None, purpose: str | None) -> Author | None:
    """Return who answers for what is done, None where no log has it; a warning is printed where no one does.

    Without a fleet, whose log would have it, it goes into the log in the person's own folder.

    Raises:
        UsageError: someone is named, and no purpose; or, without a fleet, a purpose and no one.
        ProvisioningError: who is named may not do it, and what else `FleetSession` says.

    """
    if purpose is None and who is not None:
        raise click.UsageError(f"{who} is responsible for it (--as, or PLATEPOST_PERSON): add --purpose")
    if purpose is not None:
        return _apart(who, purpose) if fleet is None else FleetSession(fleet, who, purpose, roles=LIST_MAKERS).author
    if fleet is None:
        _warn("no log has this, without --fleet: name who and why")
        return None
    fleet.acts.check()
    if any(entry.is_certified() for entry in fleet.people):
        _warn(f"no one signs for this, and it is logged so, as done by {user()}: name who and why")
    return nobody(fleet)


@contextmanager
def logged(
    author: Author | None,
    begun: str,
    done: str,
    *,
    object: str,  # noqa: A002 - the record's own name for it
    details: dict[str, JsonValue],
) -> Iterator[dict[str, JsonValue]]:
    """Log that something is begun, and how it ended: a crash in between leaves a beginning without an end.

    What is put into the dictionary that it gives stands with the end. Errors are logged, and go on.
    """
    run = new_identifier()
    more: dict[str, JsonValue] = {}
    if author is None:
        yield more
        return
    author.record(begun, object=object, details={"begins": run, **details})
    try:
        yield more
    except BaseException as error:
        author.record(done, object=object, outcome="failure", details={"ends": run, "message": broken_off(error)})
        raise
    author.record(done, object=object, details={"ends": run, **more})


def _apart(who: str | None, purpose: str) -> Author:
    """Let a person away from their fleet answer: the log in their own folder has it."""
    if who is None:
        raise click.UsageError("without --fleet, say whose log is to have it: --as FOLDER of an identity")
    if not Path(who).is_dir():
        raise ProvisioningError(f"{who!r} is not the folder of an identity, and without --fleet no one has a name")
    purpose = checked_purpose(purpose)
    person = Person.load(Path(who))
    person.require(LIST_MAKERS)
    ActLog.of(person).check()
    return Author.of(person, purpose)


def _warn(text: str) -> None:
    click.echo(f"Warning: {text}, --as NAME --purpose WHY (by cron a list builder; `person add --help`).", err=True)

"""Who answers for what is done with hot lists: a person, a service that builds them, or nobody, and then that is said.

Hot lists are built by cron as well as by hand. What is done in nobody's name must not be put down to the fleet's only
administrator, as other commands do, nor may it end because there is nobody to ask for a passphrase.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import click
from pydantic import JsonValue

from device.records import Role, new_identifier
from device.records.base import Outcome
from provisioning.commands.options import Actor
from provisioning.errors import ProvisioningError
from provisioning.fleet.fleet import Fleet
from provisioning.fleet.unsigned import record_unsigned, user
from provisioning.people import acts
from provisioning.people.person import Person

LIST_MAKERS = frozenset({Role.ADMINISTRATOR, Role.LIST_BUILDER})

Command = Callable[..., Any]


class Answerable(Protocol):
    """Who answers: called with an act, it logs it in their name."""

    def __call__(
        self,
        act: str,
        *,
        object: str | None = None,  # noqa: A002 - the record's own name for it
        outcome: Outcome = "success",
        details: dict[str, JsonValue] | None = None,
    ) -> object:
        """Log an act. Raises ProvisioningError."""


def answering(command: Command) -> Command:
    """Add the options that say who acts, `who`, and why, `purpose`, as `acting` does, but demand neither."""
    who = click.option(
        "--as",
        "who",
        envvar="PLATEPOST_PERSON",
        help="Who acts: a name, or the folder of an identity; with --purpose alone the fleet's only administrator, or "
        "what PLATEPOST_PERSON says. Without both nobody signs for it, and the log of acts says so.",
    )
    purpose = click.option("--purpose", help="Why, for the log of acts; never a plate. Needed with --as.")
    return who(purpose(command))


def answerable(fleet: Fleet | None, who: str | None, purpose: str | None) -> Answerable:
    """Return who answers for what is done; a warning is printed where nobody does.

    Without a fleet, whose log would have it, it goes into the log in the person's own folder.

    Raises:
        UsageError: somebody is named, and no purpose; or, without a fleet, a purpose and nobody.
        ProvisioningError: who is named may not do it, and what else `Actor` says.

    """
    if purpose is None and who is not None:
        raise click.UsageError(f"{who} answers for it (--as, or PLATEPOST_PERSON): say why too, --purpose")
    if fleet is None:
        return _nowhere() if purpose is None else _apart(who, purpose)
    return _nobody(fleet) if purpose is None else Actor(fleet, who, purpose, roles=LIST_MAKERS).did


@contextmanager
def told(
    answers: Answerable,
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
    answers(begun, object=object, details={"begins": run, **details})
    more: dict[str, JsonValue] = {}
    try:
        yield more
    except BaseException as error:
        answers(done, object=object, outcome="failure", details={"ends": run, "message": acts.broken_off(error)})
        raise
    answers(done, object=object, details={"ends": run, **more})


def _nobody(fleet: Fleet) -> Answerable:
    """Say that nobody answers: the fleet's log has the system's user."""
    fleet.acts.check()
    if any(entry.is_certified() for entry in fleet.people):
        _warn(f"nobody signs for this, and it is logged so, as done by {user()}: name who and why")
    return partial(record_unsigned, fleet)


def _apart(who: str | None, purpose: str) -> Answerable:
    """Let a person away from their fleet answer: the log in their own folder has it."""
    if who is None:
        raise click.UsageError("without --fleet, say whose log is to have it: --as FOLDER of an identity")
    if not Path(who).is_dir():
        raise ProvisioningError(f"{who!r} is not the folder of an identity, and without --fleet nobody has a name")
    purpose = acts.checked_purpose(purpose)
    person = Person.load(Path(who))
    person.require(LIST_MAKERS)
    log = acts.ActLog.of(person)
    log.check()
    return partial(acts.record, person, purpose=purpose, log=log, checked=True)


def _nowhere() -> Answerable:
    """Say that neither a fleet nor a person is named: there is no log, and nobody to tell."""
    _warn("no log has this, without --fleet: name who and why")
    return lambda *_, **__: None


def _warn(text: str) -> None:
    click.echo(f"Warning: {text}, --as NAME --purpose WHY (by cron a list builder; `person add --help`).", err=True)

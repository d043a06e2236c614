"""What several commands share: the fleet's folder, its broker, the unit's configuration, and who acts and why."""

import functools
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from platepost.common.files import open_brought
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.people import acts, administrators
from platepost.provisioning.people.person import Person
from platepost.wire.records import Role


def one_line(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Return what people will read in tables and logs. Raises click.BadParameter for text that does not print."""
    if value is not None and not value.isprintable():
        raise click.BadParameter("expected a line of printable characters")
    return value


FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, path_type=Path)
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)
FLEET = click.argument("directory", type=FOLDER)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
BROKER = click.option("--broker", help="host:port.  [default: the fleet's first name, port 8883]")
"""`broker`; where it is None, `Fleet.broker_address` is meant."""
RELOAD = click.option(
    "--reload",
    "reload_command",
    envvar="PLATEPOST_BROKER_RELOAD",
    help="Command that reloads the broker, such as 'systemctl restart mosquitto'.",
)
ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})

Command = Callable[..., Any]


def read_package(path: Path) -> bytes:
    """Return a package's bytes; never waits. Raises ProvisioningError: it is no regular file, or cannot be read."""
    try:
        with open_brought(path) as file:
            return file.read()
    except OSError as error:
        raise ProvisioningError(f"{path}: {error.strerror}") from error


def progress_lines(*, as_json: bool) -> Callable[[str], None]:
    """Return a function that shows a person what happens; on standard error where JSON goes to standard output."""

    def show(text: str) -> None:
        with suppress(OSError):  # the terminal was lost: that must not stop the way back
            click.echo(text, err=as_json)

    return show


def acting(command: Command) -> Command:
    """Add the options that say who acts and why; the command gets the `session` in place of the fleet's folder."""

    @functools.wraps(command)
    def wrapped(*, directory: Path, who: str | None, purpose: str, **others: object) -> Any:
        return command(session=FleetSession(Fleet.load(directory), who, purpose), **others)

    return who_and_why(wrapped)


def who_and_why(command: Command) -> Command:
    """Add the options that say who acts, `who`, and why, `purpose`; see `FleetSession`."""
    who = click.option(
        "--as",
        "who",
        envvar="PLATEPOST_PERSON",
        help=(
            "Who acts: a name, or your identity's folder.  [default: PLATEPOST_PERSON, or the fleet's only "
            "administrator]"
        ),
    )
    purpose = click.option("--purpose", required=True, help="Your reason, for the log of acts; never a plate.")
    return who(purpose(command))


class FleetSession:
    """A person who acts on a fleet, and why: refused at once if not certified, and everything they do is logged.

    Whether it can be logged is looked at first, and what they did is logged as done though their certification ended
    meanwhile.

    Args:
        fleet: the fleet.
        who: a name in it, or the folder of an identity; the only administrator where None.
        purpose: why.
        roles: who may.

    Raises:
        ProvisioningError: there is no such person, their certification has ended, there is no purpose, or the log of
            acts is damaged or cannot be written.

    """

    def __init__(
        self, fleet: Fleet, who: str | None, purpose: str, *, roles: Collection[Role] | None = ADMINISTRATORS
    ) -> None:
        self.purpose = acts.checked_purpose(purpose)
        self.fleet = fleet
        self.person = Person.load(_folder(fleet, who))
        self.author = acts.Author.of(self.person, self.purpose, log=fleet.acts)
        self.author.admit(self.person, roles, fleet.people)
        fleet.acts.check()
        text = administrators.warning(fleet.people)
        if text is not None:
            click.echo(f"Warning: {text[0]}.", err=True)
        self.did = self.author.record
        """Logs an act."""

    @contextmanager
    def doing(self, act: str, *, object: str) -> Iterator[None]:  # noqa: A002 - the record's own name for it
        """Log an act as failed if it is interrupted, by Ctrl-C or a full disk: part of it may be done.

        What is refused in words (ProvisioningError) changed nothing.
        """
        try:
            yield
        except ProvisioningError:
            raise
        except BaseException as error:
            self.did(act, object=object, outcome="failure", details={"message": acts.broken_off(error)})
            raise


def _folder(fleet: Fleet, who: str | None) -> Path:
    if who is None:
        known = [entry for entry in fleet.people if entry.role in ADMINISTRATORS and entry.is_certified()]
        names = [entry.name for entry in known if entry.name in fleet.identities()]
        if len(names) != 1:
            raise ProvisioningError(
                f"give the acting administrator with --as NAME; this fleet has: {', '.join(names) or 'none'}"
            )
        return fleet.operator(names[0])
    if who in fleet.identities():
        return fleet.operator(who)
    if Path(who).is_dir():
        return Path(who)
    if who in fleet.people:
        raise ProvisioningError(f"{who} is no longer certified here, or has the identity elsewhere: pass its folder")
    raise ProvisioningError(f"{who!r} is neither a person of this fleet nor the folder of an identity")

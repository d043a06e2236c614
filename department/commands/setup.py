"""What `init` asks, or takes as options: name, contact, time zone, law, retention, hosts, and how people sign in."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import click

from platepost.common.files import write_durably
from platepost.department.errors import DepartmentError
from platepost.department.folder import DepartmentFolder
from platepost.department.policy.law import LAWS, NO_CEILING
from platepost.department.policy.policy import DEFAULT
from platepost.department.status.golive import UTC_ZONES

READS = "no_hit"
"""The class of records that nearly all are of: reads that made no hit."""
_CLIENT_FILE = "provider-secret"
_LAW = re.compile(r"^law = .*$", re.MULTILINE)
_SHORT = 119
"""Days: under a ceiling so low, reads are kept as long as the law allows, as `archive_establish` has it."""
_DEFAULT_LAW = "california"
_ZONES = "America/New_York, America/Chicago, America/Denver, America/Phoenix, America/Los_Angeles"


@dataclass(frozen=True, slots=True)
class SetupChoices:
    """What a department is to be; None, or nothing, where it was not given."""

    name: str | None
    contact: str | None
    timezone: str | None
    law: str | None
    keep_days: int | None
    hosts: tuple[str, ...]
    provider: tuple[str, str, str] | None
    """Name, issuer, and client's id."""
    provider_secret: Path | None

    def check(self) -> None:
        """Raise DepartmentError where choices do not go together."""
        if (self.provider is None) != (self.provider_secret is None):
            raise DepartmentError("--provider and --provider-secret go together: give both, or none")
        law = LAWS[self.law or _DEFAULT_LAW]
        if self.keep_days is not None and not law.keep_at_least_days <= self.keep_days < law.keep_at_most_days:
            raise DepartmentError(
                f"--keep-days {self.keep_days}: the law {law.name!r} allows {_span(law.name)}. Give a number within it."
            )

    def settings(self) -> dict[str, Any]:
        """Return the settings of `department.toml`."""
        values: dict[str, Any] = {"timezone": self.timezone or "UTC"}
        values |= {key: value for key in ("name", "contact") if (value := getattr(self, key))}
        if self.hosts:
            values["hosts"] = self.hosts
        if self.provider is not None:
            name, issuer, client = self.provider
            values["identity_provider"] = {
                "name": name,
                "issuer": issuer,
                "client_id": client,
                "secret_file": _CLIENT_FILE,
            }
        return values

    def write_files(self, folder: DepartmentFolder) -> None:
        """Write the policy with its law, and the provider's secret. Raises OSError."""
        if self.law is not None and not (folder.path / "policy.toml").exists():
            text = _LAW.sub(f'law = "{self.law}"', DEFAULT.read_text("utf-8"), count=1)
            write_durably(folder.path / "policy.toml", text.encode())
        if self.provider_secret is not None:
            write_durably(folder.path / _CLIENT_FILE, self.provider_secret.read_bytes())


def ask(choices: SetupChoices, *, agency: str) -> SetupChoices:
    """Ask in a terminal for what was not given; Enter takes what stands in brackets."""
    click.echo("Press Enter to accept the value in brackets. You can change everything later in department.toml.")
    if choices.name is None:
        choices = replace(choices, name=click.prompt("The department's full name", default=agency))
    if choices.contact is None:
        prompt = "Public contact (e-mail, telephone, or both)"
        choices = replace(choices, contact=click.prompt(prompt, default="", show_default=False))
    if choices.timezone is None:
        choices = replace(choices, timezone=_ask_zone())
    if choices.law is None:
        for name, law in LAWS.items():
            click.echo(f"  {name}: {law.title}, reads {_span(name)}")
        prompt = "Law that applies to the department"
        choices = replace(choices, law=click.prompt(prompt, type=click.Choice([*LAWS]), default=_DEFAULT_LAW))
    law = LAWS[choices.law or _DEFAULT_LAW]
    if choices.keep_days is None:
        least, most = max(law.keep_at_least_days, 1), law.keep_at_most_days - 1
        default = most if most < _SHORT else least
        choices = replace(
            choices,
            keep_days=click.prompt(
                f"Days to keep reads without a hit ({_span(law.name)})",
                type=click.IntRange(least, most),
                default=default,
            ),
        )
    if not choices.hosts:
        name = click.prompt(
            "Host name for browsers, behind TLS (leave it empty for a trial on this machine)",
            default="",
            show_default=False,
        )
        choices = replace(choices, hosts=tuple(name.split()))
    if choices.provider is None and click.confirm(
        "Do people also sign in through an identity provider (OpenID Connect)?"
    ):
        name = click.prompt("  Its name, for the sign-in page")
        issuer, client = click.prompt("  Its issuer (https://...)"), click.prompt("  Client ID")
        file = click.prompt(
            "  File with the client secret", type=click.Path(exists=True, dir_okay=False, path_type=Path)
        )
        choices = replace(choices, provider=(name, issuer, client), provider_secret=file)
    return choices


def _ask_zone() -> str:
    default = local_zone()
    while True:
        zone = str(click.prompt(f"Time zone ({_ZONES}, ...)", default=default))
        if zone in available_timezones():
            return zone
        click.echo(f"{zone!r} is not a time zone of the IANA database.")


def local_zone(file: Path = Path("/etc/timezone"), link: Path = Path("/etc/localtime")) -> str | None:
    """Return the machine's time zone; None where it is UTC, as most servers' is: a department is not there."""
    try:
        zone = file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        zone = str(link.resolve()).partition("/zoneinfo/")[2]
    return zone if zone in available_timezones() and zone not in UTC_ZONES else None


def _span(law: str) -> str:
    """Return for how long a law has reads kept, for people."""
    least, most = LAWS[law].keep_at_least_days, LAWS[law].keep_at_most_days
    ceiling = "no upper limit" if most >= NO_CEILING else f"deleted after {most} days"
    return f"kept at least {least} days, {ceiling}" if least else ceiling

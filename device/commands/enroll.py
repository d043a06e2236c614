"""`platepost enroll`: make this bare unit a post of the department's."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote

import click
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import TypeAdapter, ValidationError

from platepost.common.commands.spoken import SpokenHelp
from platepost.common.errors import PlatepostError
from platepost.common.language import Phrase, local, spoken
from platepost.common.settings import Name
from platepost.device.config import load
from platepost.device.enrollment.keyfiles import TPM
from platepost.device.enrollment.settings import ServiceSettings
from platepost.device.enrollment.unit import UnitEnrollment, check_clock
from platepost.wire.enrollment.code import read_code, seal_key_of
from platepost.wire.enrollment.errors import EnrollmentError
from platepost.wire.enrollment.est import EstClient, certificates_of, read_answer
from platepost.wire.enrollment.offline import read_answer_files, write_request
from platepost.wire.kernel_clock import CLOCK_TOLERANCE

DIRECTORY = Path("/etc/platepost")
_NAME = TypeAdapter(Name)


def _name(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    """Refuse what no post can be called before keys are made for it, and before it stands in a file's name."""
    try:
        return _NAME.validate_python(text)
    except ValidationError:
        raise click.BadParameter(
            spoken(
                Phrase(
                    "{given} is not a post's name: expected lower-case letters, digits and hyphens, such as post-17",
                    given=repr(text),
                )
            )
        ) from None


@contextmanager
def in_words() -> Iterator[None]:
    """Say what the disk refuses, and what to do: a technician at the pole has no use for a traceback."""
    try:
        yield
    except OSError as error:
        if isinstance(error, PlatepostError):
            raise
        todo = Phrase("run the same command with sudo")
        if not isinstance(error, PermissionError):
            todo = Phrase("what was done so far is kept; fix this, then run the same command again")
        where = f"{error.filename}: " if error.filename else ""
        text = Phrase("{why}; {todo}", why=f"{where}{error.strerror or error}", todo=todo)
        raise EnrollmentError(text, reason="disk") from error


@click.command(
    cls=SpokenHelp,
    epilog="""\b
Examples:
  sudo platepost enroll post-17 office.riverside.example:8443
  sudo platepost enroll post-17 --stick /mnt          the same command again when the stick comes back
  sudo platepost enroll post-17 --abandon

\b
It asks for the code that an administrator issued for this post with `platepost provision post invite`. If interrupted,
run the same command again to continue.
""",
)
@click.argument("post", callback=_name)
@click.argument("office", required=False)
@click.option(
    "--stick",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder on a USB drive that carries the request to the office and the answer back, without a network.",
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, readable=False, path_type=Path),  # what cannot be read is said with sudo
    default=DIRECTORY,
    show_default=True,
    help="Folder for the post's files.",
)
@click.option(
    "--code-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="File with the code, or - for standard input; otherwise you are asked for it.",
)
@click.option(
    "--key",
    "kept",
    type=click.Choice(["auto", "tpm", "file"]),
    default="auto",
    show_default=True,
    help=(
        "Where to keep the certificate's private key: in the TPM 2.0 if there is one, else in a file that only root "
        "can read."
    ),
)
@click.option(
    "--set-clock",
    is_flag=True,
    help="If this unit's clock is wrong, set it to the office's time (by stick: the time of the answer).",
)
@click.option("--abandon", is_flag=True, help="Cancel an enrollment that is under way.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
@in_words()
def enroll(
    *,
    post: str,
    office: str | None,
    stick: Path | None,
    directory: Path,
    code_file: Path | None,
    kept: str,
    set_clock: bool,
    abandon: bool,
    as_json: bool,
) -> None:
    """Enroll this unit as POST of a department, over the network at OFFICE (host:port), or by USB drive.

    Private keys are made on this unit and never leave it: only a signing request is sent.
    """
    unit = UnitEnrollment(directory.absolute())
    if abandon:
        text = Phrase("withdrawn") if unit.abandon() else Phrase("nothing was under way")
        click.echo(json.dumps({"post": post, "outcome": text}) if as_json else f"{post}: {spoken(text)}")
        return
    if (office is None) == (stick is None):
        raise click.UsageError(spoken(Phrase("enter the office's host:port, or --stick FOLDER")))
    if kept == "tpm" and unit.beside:
        raise click.UsageError(
            spoken(Phrase("a post that shares its computer cannot use the TPM: decommissioning clears it"))
        )
    tpm = kept == "tpm" or (kept == "auto" and TPM.exists() and not unit.beside)
    pending = unit.pending()
    if unit.post == post and pending is None:
        # The answer to the same command before was not read, as where ssh was lost.
        unit.tidy()
        outcome = {"post": post, "outcome": "enrolled", "configuration": str(directory / "post.toml")}
        again = Phrase(
            "This unit is {post} already (to enroll it again, take it out of service first: sudo platepost "
            "decommission --config {file}). {next}",
            post=post,
            file=str(directory / "post.toml"),
            next=_next(directory),
        )
        click.echo(json.dumps(outcome) if as_json else spoken(again))
        return
    unit.begin(post, tpm=tpm)  # before the code is asked for: a post of another name is refused
    if not unit.go_on():
        if office is not None:
            _by_network(unit, post, EstClient(office), _code(code_file), set_clock=set_clock)
        elif stick is not None and not _by_stick(unit, post, stick, code_file, set_clock=set_clock):
            advice = Phrase(
                "Request written to {stick}; take it to the office, and run the same command when it is back.",
                stick=str(stick),
            )
            click.echo(json.dumps({"post": post, "outcome": "requested"}) if as_json else spoken(advice))
            return
    outcome = {"post": post, "outcome": "enrolled", "configuration": str(directory / "post.toml")}
    message = Phrase("This unit is {post}. {next}", post=post, next=_next(directory))
    click.echo(json.dumps(outcome) if as_json else spoken(message))


def _next(directory: Path) -> Phrase:
    """Return the command that aims this unit, with what its configuration does not say."""
    config = "" if directory == DIRECTORY else f" --config {quote(str(directory / 'post.toml'))}"
    if load(directory / "post.toml").service.address != ServiceSettings().address:
        return Phrase(
            "Next: sudo platepost aim{config} --as FOLDER\nFOLDER has your certificate and key.", config=config
        )
    return Phrase(
        "Next: sudo platepost aim{config} --as FOLDER --address ADDRESS\nFOLDER has your certificate and key; ADDRESS "
        "is this unit's at its service port, 192.168.50.1 as cards are prepared.",
        config=config,
    )


def _by_network(unit: UnitEnrollment, post: str, office: EstClient, code: str, *, set_clock: bool) -> None:
    unit.begin(post)
    ca, theirs = office.authorities(post, code)
    try:
        check_clock(theirs)
    except EnrollmentError:
        if not set_clock:
            raise
        _set_clock(theirs)
    unit.take_certificate(office.enroll(post, code, unit.request, ca=ca), ca=ca)
    unit.install(office.configuration(post, code, ca=ca))


def _by_stick(unit: UnitEnrollment, post: str, stick: Path, code_file: Path | None, *, set_clock: bool) -> bool:
    pending = unit.begin(post)
    if pending.seal_key is None:
        pending = unit.begin(post, seal_key=seal_key_of(_code(code_file)))
    if pending.seal_key is None:
        raise EnrollmentError(Phrase("no code was entered"), reason="no_code")
    try:
        answer = read_answer_files(stick, post, seal_key=pending.seal_key)
    except EnrollmentError:
        # The next try begins with a code: this one may be what is wrong.
        unit.forget_code()
        raise
    if answer is None:
        write_request(stick, post, unit.request, seal_key=pending.seal_key)
        os.sync()
        return False
    ca = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates_of(answer.authorities))
    issued = datetime.fromisoformat(json.loads(answer.configuration)["issued"])

    def take() -> None:
        check_clock_after(issued)
        unit.take_certificate(read_answer(answer.certificate), ca=ca)

    try:
        take()
    except EnrollmentError as error:
        if not set_clock or error.reason != "clock":
            raise
        # Later than that it is, by the way of the stick; nothing here knows by how much.
        _set_clock(issued)
        take()
    unit.install(answer.configuration)
    return True


def check_clock_after(issued: datetime) -> None:
    """Refuse where this unit's clock is before the office's when it answered.

    Raises:
        EnrollmentError: it is; the message says how to set it.

    """
    now = datetime.now(UTC)
    if issued - now <= CLOCK_TOLERANCE:
        return
    raise EnrollmentError(
        Phrase(
            "this unit's clock shows {now}, and the office answered later, at {issued}; nothing was taken from the "
            "stick. Set it by a clock that is right, such as sudo date -u -s '{utc}', and run the same command "
            "again; with --set-clock it sets it to when the office answered",
            now=local(now),
            issued=local(issued),
            utc=f"{issued:%Y-%m-%d %H:%M}",
        ),
        reason="clock",
    )


def _code(code_file: Path | None) -> str:
    if code_file is None:
        return read_code(click.prompt(spoken(Phrase("Code")), err=True))
    # Saved on Windows it may have a byte-order mark, or be UTF-16, and then no code.
    with click.open_file(str(code_file), encoding="utf-8-sig", errors="replace") as file:
        return read_code(file.readline())


def _set_clock(theirs: datetime) -> None:
    try:
        time.clock_settime(time.CLOCK_REALTIME, theirs.timestamp())
    except OSError as error:
        text = Phrase("the clock cannot be set: {why}; run it as root", why=str(error.strerror))
        raise EnrollmentError(text, reason="clock") from error

"""`platepost accept`: the checklist that puts a post in service."""

import json
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import click
from pydantic import ValidationError

from platepost.common.commands.spoken import SpokenHelp
from platepost.common.files import write_durably
from platepost.common.language import Phrase, message, spoken
from platepost.common.secrets.owner import become_owner
from platepost.common.signals import stop_on_signals
from platepost.device.config import Configuration, load
from platepost.device.enrollment.acceptance import Statement, write_statement
from platepost.device.vision.model_loader import versions_of
from platepost.device.vision.recognizer import Recognizer
from platepost.provisioning.errors import ProvisioningError
from platepost.technician.accept import report, seal
from platepost.technician.accept.checklist import Checklist
from platepost.technician.accept.dialogue import Terminal
from platepost.technician.accept.log import is_to_be_kept_aside, log_aside
from platepost.technician.accept.result import Basis, Checkpoint, Result
from platepost.technician.accept.service import AcceptanceCriteria
from platepost.technician.commands.options import CONFIG, FOLDER, TECHNICIAN, unit_purpose
from platepost.technician.technician import Technician, certified
from platepost.technician.trail import AuditTrail, require_stopped
from platepost.wire.records import Signer

_ACCEPTED = Phrase(
    "Accepted. Next: sudo systemctl restart platepost; in service it shows so: systemctl status platepost"
)
_NOT_ACCEPTED = Phrase("NOT accepted; the post stays out of service.")


@click.command(
    cls=SpokenHelp,
    epilog="""\b
Examples:
  sudo platepost accept --as /mnt/r-alvarez
  sudo platepost accept --as /mnt/r-alvarez --limit vehicles=200 --output /mnt
""",
)
@CONFIG
@TECHNICIAN
@unit_purpose("acceptance")
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="NAME=NUMBER",
    help=f"Ask for more or less than by default: {', '.join(AcceptanceCriteria.model_fields)}.",
)
@click.option("--fresh", is_flag=True, help="Start over: repeat the steps that passed before an interruption, too.")
@click.option("--output", type=FOLDER, help="Folder for the report.  [default: next to the outbox]")
@click.option("--json", "as_json", is_flag=True, help="Print the results as one line of JSON at the end.")
@click.pass_context
def accept(
    context: click.Context,
    *,
    path: Path,
    folder: Path,
    purpose: str,
    limits: tuple[str, ...],
    fresh: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Run the acceptance checklist on the unit, and put the post in service if every check passes.

    Stop the post first. An interrupted run continues where it stopped for 12 hours. Steps are repeated if the limits,
    the aim, the configuration or the software changed. You and the post sign the report: take it to the department,
    which keeps it with `platepost provision acceptance keep`. The exit code is 1 if the post was not accepted; it then
    stays out of service with the status `not_accepted`. At a terminal, the log goes to acceptance.log next to the
    outbox unless you use `platepost -v`.
    """
    # Before anything else: libraries lose an exception that a handler raises within them.
    stop = context.with_resource(stop_on_signals())
    configuration, folder = load(path), folder.absolute()
    output = None if output is None else output.absolute()
    become_owner(configuration.outbox.path.parent, path)
    chosen_limits = _limits(limits)
    _statement_file(configuration)
    require_stopped(configuration)
    technician = certified(configuration, folder, purpose=purpose)  # the last that may be refused: it asks a person
    stop.check()
    dialogue = Terminal()
    aside = is_to_be_kept_aside(verbose=bool(context.find_root().params.get("verbose")))
    with ExitStack() as stack:
        log = stack.enter_context(log_aside(configuration.outbox.path.parent)) if aside else None
        results, written = accept_post(
            configuration, technician, dialogue, limits=chosen_limits, fresh=fresh, output=output
        )
    accepted = all(result.good for result in results)
    if as_json:
        rows = [
            {"point": result.point, "good": result.good, "said": result.said}
            | result.model_dump(mode="json", include={"at"})
            for result in results
        ]
        click.echo(json.dumps({"accepted": accepted, "report": str(written), "results": rows}))
    else:
        click.echo(spoken(Phrase("Report: {path}", path=str(written))))
        if log is not None and not accepted:
            click.echo(spoken(Phrase("Log of the post: {path}", path=str(log))))
        click.echo(spoken(_ACCEPTED if accepted else _NOT_ACCEPTED))
    if not accepted:
        raise SystemExit(1)


def accept_post(
    configuration: Configuration,
    technician: Technician,
    dialogue: Terminal,
    *,
    limits: AcceptanceCriteria,
    fresh: bool = False,
    output: Path | None = None,
) -> tuple[list[Result], Path]:
    """Accept a post, and return what was found and where the report is.

    The statement that puts it in service is written last: whatever comes between leaves it out of service.

    Raises:
        ProvisioningError: the post is running, has no acceptance in its configuration, or nothing can be written.

    """
    statement_path = _statement_file(configuration)
    state = configuration.outbox.path.parent
    if fresh:
        Checkpoint.forget(state)
    try:
        basis = Basis.of(configuration, technician=technician.name, limits=limits.model_dump())
    except OSError as error:
        raise ProvisioningError(Phrase("the accepted view cannot be read: {why}", why=message(error))) from error
    progress = Checkpoint.resume(state, basis, say=dialogue.say)
    with AuditTrail(configuration, technician, doing="accepted"):
        # One acceptance at a time, and from here on the one before no longer counts.
        statement_path.unlink(missing_ok=True)
    try:
        results = Checklist(configuration, technician, dialogue, limits=limits, progress=progress).run()
        ended = datetime.now(UTC)
        page = report.page(
            configuration,
            technician,
            results,
            versions=versions_of(configuration.digest, Recognizer.of(configuration.vision)),
            limits=limits,
            began=progress.began,
            ended=ended,
        )
        signer = Signer.from_file(configuration.records.signing_key)
        written = (output or state) / f"acceptance-{configuration.post.name}-{ended:%Y%m%dT%H%M%SZ}.html"
        write_durably(written, seal.seal(page, post=signer, technician=technician.identity))
        accepted = all(result.good for result in results)
        digest = seal.digest(page)
        with AuditTrail(configuration, technician, doing="accepted", silent=True) as trail:
            points = {str(result.point): {"good": result.good, "said": result.said[:300]} for result in results}
            trail.record("acceptance", {"points": points}, object=digest, failed=not accepted)
        if accepted:
            write_statement(
                statement_path,
                Statement(
                    agency=configuration.post.agency,
                    post=configuration.post.name,
                    accepted=ended,
                    accepted_by=technician.name,
                    report=digest,
                ),
                configuration.records.signing_key,
            )
            Checkpoint.forget(state)
    except OSError as error:
        raise ProvisioningError(Phrase("the acceptance cannot be kept: {why}", why=message(error))) from error
    return results, written


def _statement_file(configuration: Configuration) -> Path:
    path = configuration.acceptance.file
    if path is None:
        raise ProvisioningError(Phrase("this post needs no acceptance: its configuration has no acceptance.file"))
    return path


def _limits(pairs: tuple[str, ...]) -> AcceptanceCriteria:
    values = dict(pair.partition("=")[::2] for pair in pairs)
    try:
        return AcceptanceCriteria.model_validate(values)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(str(part) for part in fault["loc"])
        known = ", ".join(f"{name}={field.default}" for name, field in AcceptanceCriteria.model_fields.items())
        reason = fault["msg"].removeprefix("Value error, ")
        why = f"{key}: {reason}" if key else reason
        raise ProvisioningError(Phrase("--limit {why}; by default: {known}", why=why, known=known)) from error

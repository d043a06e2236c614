"""`platepost decommission`: take this unit out of service, so that nothing of the department's stays on it."""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Annotated

import click
from pydantic import StringConstraints, TypeAdapter, ValidationError

from platepost.common.commands.options import Number
from platepost.common.commands.spoken import SpokenHelp, confirmed
from platepost.common.files import give_to_owner, write_durably
from platepost.common.language import Phrase, spoken
from platepost.common.secrets.certificate import certificate
from platepost.common.text import shown
from platepost.device.clock.chrony import Chrony
from platepost.device.clock.timekeeper import Timekeeper
from platepost.device.commands.options import CONFIG_OR_INSTALLED, account
from platepost.device.config import Configuration, load
from platepost.device.control.keys.trust import TrustedKeys
from platepost.device.custody.service import CustodyService
from platepost.device.enrollment.decommissioned import MARK, decommissioned
from platepost.device.enrollment.provider import FILE as OPENSSL_FILE
from platepost.device.enrollment.provider import begin_with_tpm, needs_tpm
from platepost.device.enrollment.unit import ASIDE, WORK
from platepost.device.enrollment.wipe import Leavings, check, wipe
from platepost.device.logbook import Logbook
from platepost.device.outbox.errors import OutboxBusyError
from platepost.device.outbox.outbox import Outbox
from platepost.device.outbox.retrying import RetryingRecorder
from platepost.device.uplink.reasons import in_words
from platepost.device.uplink.settings import UplinkTiming
from platepost.device.uplink.uplink import Uplink
from platepost.version import __version__
from platepost.wire.enrollment.errors import DecommissionError
from platepost.wire.records import Envelope, HotListState, Recorder, Status, Versions, new_identifier
from platepost.wire.records.base import Line

CHECK_SECONDS = 0.1
# A person waits: what lacks a receipt is sent again soon, and a broker that is away is tried again soon.
HURRIED = UplinkTiming(
    first_resend_seconds=2.0, max_resend_seconds=10.0, missing_receipt_resend_seconds=5.0, max_backoff_seconds=5.0
)
CLEAN = Phrase(
    "Gone: keys, outbox, hot list, recordings, state, configuration. What was encrypted cannot be read without its "
    "key. On flash a copy of a key's file can outlast its deletion, in blocks that only the disk itself reaches: "
    "erase the whole card, or destroy it, before it leaves your hands."
)
KEYS_REMAIN = Phrase(
    "Gone: outbox, hot list, recordings, state, configuration. NOT gone: the keys listed below, which this command "
    "cannot delete. Erase the whole card, or destroy it, before it leaves your hands."
)
_TEXT = TypeAdapter(Annotated[str, Line, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)])


def _text(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    try:
        return _TEXT.validate_python(text)
    except ValidationError:
        raise click.BadParameter(spoken(Phrase("expected one line of up to 120 characters"))) from None


@dataclass(frozen=True, slots=True)
class Leaving:
    """Who takes a unit out of service, and on what terms."""

    person: str
    purpose: str
    wait_seconds: float
    lose_records: int


@click.command(
    cls=SpokenHelp,
    epilog="""\b
Examples:
  sudo systemctl disable --now platepost
  sudo platepost decommission --person "R. Alvarez" --purpose "work order 7802: pole removed"
  sudo platepost decommission --person "R. Alvarez" --purpose "board broken" --lose-records 12

\b
First it delivers what waits, then its last record, `decommissioned`. Then it wipes the unit.
There is no way back. The administrator runs `platepost provision post revoke` in the office.
If interrupted, run it again to finish.
""",
)
@CONFIG_OR_INSTALLED
@click.option("--person", required=True, callback=_text, help="Your name, for the last record.")
@click.option("--purpose", required=True, callback=_text, help="Your reason, for the last record.")
@click.option(
    "--lose-records",
    type=click.IntRange(min=0),
    default=0,
    help="How many undelivered records may be lost.  [default: 0]",
)
@click.option(
    "--wait",
    "seconds",
    type=Number(0, 86_400),
    default=120.0,
    show_default=True,
    help="Seconds to wait for delivery to the broker and the custodians.",
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
@click.pass_context
def decommission(
    context: click.Context,
    *,
    path: Path,
    person: str,
    purpose: str,
    lose_records: int,
    seconds: float,
    yes: bool,
    as_json: bool,
) -> None:
    """Take this unit out of service permanently: deliver its records, sign a last one, then wipe keys and data.

    Stop the post first. If more records would be lost than --lose-records allows, nothing changes and the exit code is
    1.
    """
    path, mark = path.absolute(), path.absolute().parent / MARK
    if mark.exists() and not path.exists():
        text = Phrase("this unit is out of service already: {when}", when=decommissioned(path.parent) or "")
        raise DecommissionError(text)
    configuration = load(path, wiping=True)
    leavings = _leavings(configuration, path)
    check(leavings.folders)
    delivered, lost = "before", 0
    if not mark.exists():
        begin_with_tpm(configuration.uplink.private_key, path.parent)
        if not yes:
            post, agency = shown(configuration.post.name), shown(configuration.post.agency)
            prompt = Phrase(
                "This wipes {post} of {agency} from this unit permanently. Continue?", post=post, agency=agency
            )
            if needs_tpm(configuration.uplink.private_key):
                prompt = Phrase(
                    "This wipes {post} of {agency} from this unit permanently, and clears its TPM. Continue?",
                    post=post,
                    agency=agency,
                )
            confirmed(prompt)
        with nullcontext() if context.find_root().params.get("verbose") else _without_warnings():
            last, delivered, lost = _leave(configuration, Leaving(person, purpose, seconds, lose_records))
        write_durably(mark, last.body)  # from here on the unit is none that starts
    remarks = wipe(leavings, keep=mark)
    if as_json:
        click.echo(json.dumps({"last_record": delivered, "records_lost": lost, "to_do": remarks}))
        return
    click.echo(spoken(_of_last_record(delivered, str(mark))))
    click.echo(spoken(KEYS_REMAIN if any(map(os.path.lexists, leavings.keys)) else CLEAN))
    for remark in remarks:
        click.echo(spoken(Phrase("To do: {remark}", remark=shown(spoken(remark)))))
    click.echo(
        spoken(
            Phrase(
                "Next, in the office: platepost provision post revoke FLEET {post} --purpose ...; or, if another unit "
                "takes its place, platepost provision post invite FLEET {post} --replace ...",
                post=shown(configuration.post.name),
            )
        )
    )


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Hide the log lines of the post's parts: the command itself says in words what happened."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)


def _of_last_record(delivered: str, mark: str) -> Phrase:
    return {
        "kept": Phrase("The custodians have the last record; a copy is in {mark}.", mark=mark),
        "taken": Phrase("The broker took the last record; a copy is in {mark}.", mark=mark),
        "not_delivered": Phrase(
            "The last record could NOT be delivered. It is in {mark}: bring that file to your administrator.", mark=mark
        ),
        "before": Phrase("What was left of this unit is wiped; its last record is in {mark}.", mark=mark),
    }[delivered]


def _leavings(configuration: Configuration, path: Path) -> Leavings:
    records = configuration.records
    uplink = configuration.uplink
    hotlist = configuration.hotlist
    former = records.former_signing_key
    control = () if configuration.control is None else (configuration.control.directory,)
    accepted = () if configuration.acceptance.file is None else (configuration.acceptance.file,)
    return Leavings(
        keys=(
            configuration.outbox.key_file,
            hotlist.unseal_key,
            records.signing_key,
            *(() if former is None else (former,)),
            uplink.private_key,
        ),
        folders=(
            configuration.outbox.path.parent,
            hotlist.directory,
            configuration.recording.directory,
            *control,
            path.parent / WORK,
            path.parent / ASIDE,
        ),
        # The configuration last: without it the same command could not go on.
        files=(uplink.certificate, *accepted, path.parent / OPENSSL_FILE, path),
    )


def _leave(configuration: Configuration, leaving: Leaving) -> tuple[Envelope, str, int]:
    """Deliver what waits, and the last record; return it, what became of it, and how many records are lost."""
    try:
        outbox = Outbox.of(configuration.outbox)
    except OutboxBusyError as error:
        raise DecommissionError(
            Phrase("the post is running, or aim or accept is: stop it first (sudo systemctl disable --now platepost)")
        ) from error
    try:
        with outbox, _connected(configuration, outbox) as (logbook, uplink):
            return _say_goodbye(logbook, uplink, leaving)
    finally:
        give_to_owner(configuration.outbox.path.parent)  # where it stays a post


@contextmanager
def _connected(configuration: Configuration, outbox: Outbox) -> Iterator[tuple[Logbook, Uplink]]:
    """Deliver meanwhile, and take receipts."""
    source, giving_up = configuration.post.source, Event()
    giving_up.set()  # a person waits, and can do something about a full disk
    valid = certificate(configuration.uplink.certificate)
    timekeeper = Timekeeper.beside(outbox.path, Chrony(), valid=valid, last=outbox.head.time)
    recorder = Recorder.of(configuration.records, outbox, source, now=timekeeper.now)
    logbook = Logbook(
        outbox,
        RetryingRecorder(recorder, stop=giving_up),
        timekeeper,
        run=new_identifier(),
        settings=configuration.records,
    )
    uplink = Uplink(
        configuration.uplink,
        outbox,
        client_id=source.post,
        earliest=timekeeper.earliest,
        timing=HURRIED,
        utc=timekeeper.now,
    )
    versions = Versions(software=__version__, configuration=configuration.digest[:16])

    def offline() -> Envelope:
        status = Status(
            clock=timekeeper.quality(),
            state="offline",
            since=timekeeper.now(),
            boot=logbook.run,
            versions=versions,
            hotlist=HotListState(state="none"),
        )
        return recorder.unchained(status)

    uplink.will = offline
    trust = TrustedKeys.of(
        source.agency, configuration.hotlist.issuer_key, configuration.control, configuration.custody.given
    )
    CustodyService(configuration.custody, trust.custodians, logbook, uplink, folder=outbox.path.parent)
    uplink.start()
    try:
        yield logbook, uplink
    finally:
        uplink.drain(1.0 if uplink.state().connected else 0.0)


def _say_goodbye(logbook: Logbook, uplink: Uplink, leaving: Leaving) -> tuple[Envelope, str, int]:
    outbox = logbook.outbox
    logbook.poll(time.monotonic())  # what damage or a full disk has cost is told before the last record
    _wait(lambda: outbox.unreleased() == 0, leaving.wait_seconds)
    left = outbox.unreleased()
    if left > leaving.lose_records:
        raise DecommissionError(
            Phrase(
                "{left} records are on this unit alone ({why}). Nothing was wiped. Wait until they are delivered, or "
                "drop them with --lose-records {left}",
                left=str(left),
                why=in_words(problem) if (problem := uplink.state().problem) else Phrase("no receipt came for them"),
            )
        )
    # Covert records are not counted where others read it.
    backlog = outbox.backlog()
    last = logbook.audit.record(
        "decommissioned",
        source="console",
        identity=leaving.person,
        details={"purpose": leaving.purpose, "account": account(), "records_lost": backlog.depth + backlog.sent},
    )
    waited = outbox.depth()
    result = _wait(
        lambda: outbox.unreleased() <= left, leaving.wait_seconds if left == 0 else min(10.0, leaving.wait_seconds)
    )
    if result:
        return last, "kept" if outbox.requirements.in_force else "taken", left
    return last, "taken" if outbox.depth() < waited else "not_delivered", left


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not (good := condition()) and time.monotonic() < end:
        time.sleep(CHECK_SECONDS)
    return good

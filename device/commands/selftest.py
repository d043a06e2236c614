"""`platepost selftest`: whether this unit can do its work, point by point."""

import json
import socket
import ssl
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from platepost.common.commands.spoken import SpokenHelp
from platepost.common.errors import OutboxError, PlatepostError
from platepost.common.language import Phrase, day, listed, message, spoken
from platepost.common.secrets.certificate import certificate
from platepost.common.secrets.owner import become_owner
from platepost.common.text import shown
from platepost.device import backends
from platepost.device.camera.capture import Capture
from platepost.device.clock.chrony import Chrony
from platepost.device.commands.options import CONFIG
from platepost.device.config import Configuration, load
from platepost.device.control.keys.trust import TrustedKeys
from platepost.device.health.certificate import CERTIFICATE_DAYS
from platepost.device.health.machine import RULES, MachineMonitor, read_machine
from platepost.device.hotlist.service import list_state
from platepost.device.outbox.database import open_database, read_key_file
from platepost.device.outbox.errors import OutboxBusyError
from platepost.device.outbox.outbox import Outbox
from platepost.device.uplink.reasons import in_words
from platepost.device.uplink.settings import BrokerAddress
from platepost.device.vision.detector import HEIGHT, WIDTH
from platepost.device.vision.recognizer import Recognizer
from platepost.wire.faults import Fault, explained
from platepost.wire.hotlist import HotListStore
from platepost.wire.kernel_clock import clock_quality
from platepost.wire.records import Signer
from platepost.wire.tls import connection_problem, peer_expires, tls_context

CONNECT_SECONDS = 5.0
"""How long a broker may take to answer."""
FRAME_SECONDS = 10.0
"""How long a camera may take to its first frame; one that hangs takes forever."""


@dataclass(frozen=True, slots=True)
class SelfTestResult:
    """One point of the self-test."""

    point: Phrase
    good: bool
    said: Phrase


@click.command(
    cls=SpokenHelp,
    epilog="""\b
Examples:
  sudo platepost selftest --config /etc/platepost/post.toml
  platepost selftest --config post.toml --json
""",
)
@CONFIG
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON per check.")
def selftest(*, path: Path, as_json: bool) -> None:
    """Test this unit: models, keys, camera, board, power supply, hardening, storage, hot list, clock, broker.

    Stop the post first: both need the camera and the outbox. The exit code is 1 if anything is wrong.
    """
    configuration = load(path)
    become_owner(configuration.outbox.path.parent, path)
    _refuse_beside_a_post(configuration)
    findings = examine(configuration)
    if as_json:
        for finding in findings:
            click.echo(json.dumps(asdict(finding)))
    else:
        table = Table(spoken(Phrase("point")), "", spoken(Phrase("found")))
        for finding in findings:
            good, fault = spoken(Phrase("good")), spoken(Phrase("FAULT"))
            verdict = f"[green]{good}[/green]" if finding.good else f"[red]{fault}[/red]"
            table.add_row(shown(spoken(finding.point)), verdict, shown(spoken(finding.said)))
        Console().print(table)
    if not all(finding.good for finding in findings):
        raise SystemExit(1)


def examine(configuration: Configuration, *, leave_out: Collection[str] = ()) -> list[SelfTestResult]:
    """Look at a unit whose post is stopped, point by point; `leave_out` names points that are not wanted."""
    points: tuple[tuple[Phrase, Callable[[Configuration], Phrase]], ...] = (
        (Phrase("recognizer"), _recognizer),
        (Phrase("keys"), _keys),
        (Phrase("camera"), _camera),
        (Phrase("board"), _board),
        (Phrase("supply"), _supply),
        (Phrase("hardening"), _hardening),
        (Phrase("outbox"), _outbox),
        (Phrase("hot list"), _hotlist),
        (Phrase("clock"), _clock),
        (Phrase("certificate"), _certificate),
        *((Phrase("broker {address}", address=address), _broker(address)) for address in configuration.uplink.brokers),
    )
    return [_find(point, check, configuration) for point, check in points if point not in leave_out]


def _refuse_beside_a_post(configuration: Configuration) -> None:
    """Raise PlatepostError while the post runs: it has the camera and the outbox, which would look like faults."""
    section = configuration.outbox
    if not section.path.exists():
        return
    try:
        open_database(section.path, key=read_key_file(section.key_file)).close()
    except OutboxBusyError as error:
        raise PlatepostError(
            Phrase(
                "The post is running, so camera and outbox cannot be tested. Stop it (sudo systemctl stop platepost), "
                "run the self-test again, then start the post."
            )
        ) from error
    except OutboxError:
        return  # a fault that the test itself reports


class _FaultError(PlatepostError):
    """A point of the self-test is not as it should be."""


def _find(point: Phrase, check: Callable[[Configuration], Phrase], configuration: Configuration) -> SelfTestResult:
    try:
        return SelfTestResult(point, good=True, said=check(configuration))
    except PlatepostError as error:
        return SelfTestResult(point, good=False, said=message(error))


def _recognizer(configuration: Configuration) -> Phrase:
    recognizer = Recognizer.of(configuration.vision)
    blank = np.full((HEIGHT, WIDTH), 127, np.uint8)
    plates = recognizer.recognize(blank)
    if plates.plates:
        raise _FaultError(Phrase("it finds plates in an empty picture"))
    took = f"{plates.milliseconds.detect:.0f}"
    return Phrase("the networks run, {milliseconds} ms for an empty frame", milliseconds=took)


def _keys(configuration: Configuration) -> Phrase:
    Signer.from_file(configuration.records.signing_key)
    _store(configuration)
    return Phrase("signing, unsealing and the department's keys are there")


def _store(configuration: Configuration) -> HotListStore:
    agency, hotlist = configuration.post.agency, configuration.hotlist
    given = configuration.custody.given
    issuers = TrustedKeys.of(agency, hotlist.issuer_key, configuration.control, given).issuers()
    return HotListStore.of(hotlist, agency=agency, issuers=issuers)


def _camera(configuration: Configuration) -> Phrase:
    camera = backends.camera(configuration.camera.backend, configuration.camera.settings)
    with camera:
        capture = Capture(camera, queue_frames=1)
        capture.start()
        frame = next(capture.frames(patience=FRAME_SECONDS), None)
        camera.close()
        capture.stop()
    if capture.fault is not None:
        raise capture.fault
    if frame is None:
        raise _FaultError(Phrase("no frame arrived within {seconds} s", seconds=f"{FRAME_SECONDS:g}"))
    return Phrase(
        "{camera}: {width} x {height}, mean gray {gray}",
        camera=camera.name,
        width=str(frame.gray.shape[1]),
        height=str(frame.gray.shape[0]),
        gray=f"{frame.gray.mean():.0f}",
    )


def _board(configuration: Configuration) -> Phrase:
    if configuration.board.backend == "none":
        return Phrase("this unit has no board")
    with backends.board(configuration.board.backend, configuration.board.settings) as board:
        known = board.settle()  # until then every switch counts as closed
        if board.failing:
            raise _FaultError(Phrase("the GPIO pins do not respond"))
        if not known:
            raise _FaultError(Phrase("a switch is bouncing: it is unclear whether the case or door is closed"))
        switches = {
            Phrase("the case is open"): board.tamper_open(),
            Phrase("the door is open"): board.door_open(),
        }
        if any(switches.values()):
            raise _FaultError(listed(name for name, is_open in switches.items() if is_open))
    return Phrase("{board}: case and door are closed", board=configuration.board.backend)


def _supply(configuration: Configuration) -> Phrase:
    readings = read_machine(configuration.outbox.path.parent)
    present = MachineMonitor(configuration.outbox.path.parent).judge(readings) & {Fault.UNDER_VOLTAGE, Fault.THROTTLED}
    if present:
        raise _FaultError(explained(sorted(present)))
    if readings.throttled is not None:
        return Phrase("it holds, and the processor is not slowed down")
    if readings.low_voltage is not None:
        return Phrase(
            "it holds; this unit cannot tell whether the processor is slowed down: it never reports throttled"
        )
    return Phrase("this unit cannot measure it: it never reports under_voltage or throttled")


def _hardening(configuration: Configuration) -> Phrase:
    if not RULES.exists():
        return Phrase("this unit was not prepared as a card: its firewall and ssh are not tested")
    missing = read_machine(configuration.outbox.path.parent).unprotected
    if missing:
        raise _FaultError(Phrase("not active: {names}", names=", ".join(missing)))
    return Phrase("firewall and ssh are as the card set them up, and no swap is on the disk")


def _outbox(configuration: Configuration) -> Phrase:
    section = configuration.outbox
    if section.path.exists():
        # Looked at first as it is: an outbox that cannot be used is the post's own to set aside, and to audit.
        open_database(section.path, key=read_key_file(section.key_file)).close()
    with Outbox.of(section) as outbox:
        if outbox.set_aside:
            why = outbox.set_aside[0].reason
            raise _FaultError(Phrase("it could not be used and was set aside: {why}", why=why))
        return Phrase("{count} records wait", count=str(outbox.depth()))


def _hotlist(configuration: Configuration) -> Phrase:
    state = list_state(_store(configuration).load(), configuration.hotlist, at=datetime.now(UTC))
    if state.state not in {"current", "warning"}:
        raise _FaultError(Phrase("none has come yet") if state.state == "none" else Phrase("it is older than allowed"))
    return Phrase(
        "version {version}, {hours} h old, {entries} entries",
        version=str(state.version),
        hours=f"{(state.age_seconds or 0) / 3600:.1f}",
        entries=str(state.entries),
    )


def _clock(_configuration: Configuration) -> Phrase:
    quality = Chrony().ask() or clock_quality()
    if not quality.synchronised:
        raise _FaultError(
            Phrase(
                "not synchronized according to {source}. The unit needs its network, or time by GPS: wait some "
                "minutes, then run the same command again; chronyc tracking shows the state",
                source=str(quality.source),
            )
        )
    return Phrase(
        "synchronized according to {source}; error about {milliseconds} ms",
        source=str(quality.source),
        milliseconds=f"{1000 * (quality.estimated_error_seconds or 0):.1f}",
    )


def _certificate(configuration: Configuration) -> Phrase:
    leaf, now = certificate(configuration.uplink.certificate), datetime.now(UTC)
    if now < leaf.not_valid_before_utc:
        begins, today = day(leaf.not_valid_before_utc), day(now)
        raise _FaultError(Phrase("it begins on {begins}, and the clock shows {now}", begins=begins, now=today))
    left = leaf.not_valid_after_utc - now
    if left.days < CERTIFICATE_DAYS:
        raise _FaultError(Phrase("it ends in {days} days", days=str(left.days)))
    return Phrase("valid for {days} days more", days=str(left.days))


def _broker(address: str) -> Callable[[Configuration], Phrase]:
    def check(configuration: Configuration) -> Phrase:
        broker = BrokerAddress.parse(address)
        try:
            context = tls_context(configuration.uplink)
            with (
                socket.create_connection((broker.host, broker.port), timeout=CONNECT_SECONDS) as plain,
                context.wrap_socket(plain, server_hostname=broker.host) as secured,
            ):
                _await_refusal(secured)
                ends, protocol = peer_expires(secured), secured.version() or ""
        except (OSError, ssl.SSLError, PlatepostError) as error:
            raise _FaultError(in_words(connection_problem(error))) from error
        days = None if ends is None else (ends - datetime.now(UTC)).days
        if days is not None and days < CERTIFICATE_DAYS:
            raise _FaultError(
                Phrase("the broker's certificate ends in {days} days: renew it at the broker", days=str(days))
            )
        return Phrase(
            "{protocol} with a broker that the department vouches for; its certificate is valid for {days} days more",
            protocol=protocol,
            days=str(days),
        )

    return check


def _await_refusal(secured: ssl.SSLSocket) -> None:
    """Give the broker a second to refuse the certificate: with TLS 1.3 it does so after the handshake."""
    secured.settimeout(1.0)
    try:
        if secured.recv(1) == b"":
            raise ssl.SSLError("the broker hung up")
    except TimeoutError:
        return  # it waits for an MQTT CONNECT, as it should

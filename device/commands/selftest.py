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

from device import backends
from device.camera.capture import Capture
from device.clock.chrony import Chrony
from device.clock.kernel import clock_quality
from device.config import Configuration, load
from device.control.keys.trust import TrustedKeys
from device.errors import PlatepostError
from device.faults.fault import Fault
from device.files import give_to_owner
from device.health.certificate import CERTIFICATE_DAYS
from device.health.machine import MachineMonitor, read_machine
from device.hotlist import HotListStore
from device.hotlist.service import list_state
from device.outbox.database import open_database, read_key_file
from device.outbox.outbox import Outbox
from device.records import Signer
from device.secrets.certificate import certificate
from device.text import shown
from device.uplink.settings import BrokerAddress
from device.uplink.tls import connection_problem, peer_expires, tls_context
from device.vision.detector import HEIGHT, WIDTH
from device.vision.recognizer import Recognizer

CONNECT_SECONDS = 5.0
"""How long a broker may take to answer."""
FRAME_SECONDS = 10.0
"""How long a camera may take to its first frame; one that hangs takes for ever."""


@dataclass(frozen=True, slots=True)
class SelfTestResult:
    """One point of the self-test."""

    point: str
    good: bool
    said: str


@click.command(
    epilog="""\b
Examples:
  platepost selftest --config post.toml
  platepost selftest --config post.toml --json
"""
)
@click.option(
    "--config", "path", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The post's configuration."
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON per check.")
def selftest(*, path: Path, as_json: bool) -> None:
    """Test this unit: models, keys, camera, board, power supply, storage, hot list, clock, broker.

    Stop the post first: both need the camera and the outbox. The exit code is 1 if anything is wrong.
    """
    findings = examine(load(path))
    if as_json:
        for finding in findings:
            click.echo(json.dumps(asdict(finding)))
    else:
        table = Table("point", "", "found")
        for finding in findings:
            good = "[green]good[/green]" if finding.good else "[red]FAULT[/red]"
            table.add_row(shown(finding.point), good, shown(finding.said))
        Console().print(table)
    if not all(finding.good for finding in findings):
        raise SystemExit(1)


def examine(configuration: Configuration, *, leave_out: Collection[str] = ()) -> list[SelfTestResult]:
    """Look at a unit whose post is stopped, point by point; `leave_out` names points that are not wanted."""
    points: tuple[tuple[str, Callable[[Configuration], str]], ...] = (
        ("recognizer", _recognizer),
        ("keys", _keys),
        ("camera", _camera),
        ("board", _board),
        ("supply", _supply),
        ("outbox", _outbox),
        ("hot list", _hotlist),
        ("clock", _clock),
        ("certificate", _certificate),
        *((f"broker {address}", _broker(address)) for address in configuration.uplink.brokers),
    )
    return [_find(point, check, configuration) for point, check in points if point not in leave_out]


class _FaultError(PlatepostError):
    """A point of the self-test is not as it should be."""


def _find(point: str, check: Callable[[Configuration], str], configuration: Configuration) -> SelfTestResult:
    try:
        return SelfTestResult(point, good=True, said=check(configuration))
    except PlatepostError as error:
        return SelfTestResult(point, good=False, said=str(error))


def _recognizer(configuration: Configuration) -> str:
    recognizer = Recognizer.of(configuration.vision)
    blank = np.full((HEIGHT, WIDTH), 127, np.uint8)
    found = recognizer.recognize(blank)
    if found.plates:
        raise _FaultError("it sees plates in an empty picture")
    return f"the networks run, {found.milliseconds.detect:.0f} ms for an empty frame"


def _keys(configuration: Configuration) -> str:
    Signer.from_file(configuration.records.signing_key)
    _store(configuration)
    return "signing, unsealing and the department's keys are there"


def _store(configuration: Configuration) -> HotListStore:
    agency, hotlist = configuration.post.agency, configuration.hotlist
    given = configuration.custody.given
    issuers = TrustedKeys.of(agency, hotlist.issuer_key, configuration.control, given).issuers()
    return HotListStore.of(hotlist, agency=agency, issuers=issuers)


def _camera(configuration: Configuration) -> str:
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
        raise _FaultError(f"no frame came within {FRAME_SECONDS:g} s")
    return f"{camera.name}: {frame.gray.shape[1]} x {frame.gray.shape[0]}, mean gray {frame.gray.mean():.0f}"


def _board(configuration: Configuration) -> str:
    with backends.board(configuration.board.backend, configuration.board.settings) as board:
        known = board.settle()  # until then every switch counts as closed
        if board.failing:
            raise _FaultError("its pins do not obey")
        if not known:
            raise _FaultError("a switch is bouncing: it is unclear whether the case or door is closed")
        switches = {"case": board.tamper_open(), "door": board.door_open()}
        if any(switches.values()):
            raise _FaultError(", ".join(f"the {name} is open" for name, is_open in switches.items() if is_open))
    return f"{configuration.board.backend}: nothing stands open"


def _supply(configuration: Configuration) -> str:
    readings = read_machine(configuration.outbox.path.parent)
    present = MachineMonitor(configuration.outbox.path.parent).judge(readings) & {Fault.UNDER_VOLTAGE, Fault.THROTTLED}
    if present:
        raise _FaultError(", ".join(sorted(present)))
    if readings.throttled is not None:
        return "it holds, and the processor is not slowed down"
    if readings.low_voltage is not None:
        return "it holds; this kernel does not tell throttling, so that throttled is never named"
    return "this kernel tells nothing of it: under_voltage and throttled are never named"


def _outbox(configuration: Configuration) -> str:
    section = configuration.outbox
    if section.path.exists():
        # Looked at first as it is: an outbox that cannot be used is the post's own to set aside, and to audit.
        open_database(section.path, key=read_key_file(section.key_file)).close()
    with Outbox.of(section) as outbox:
        give_to_owner(section.path.parent)  # where the post never ran, root has just made it
        if outbox.set_aside:
            raise _FaultError(f"it could not be used and was set aside: {outbox.set_aside[0].reason}")
        return f"{outbox.depth()} records wait"


def _hotlist(configuration: Configuration) -> str:
    state = list_state(_store(configuration).load(), configuration.hotlist, at=datetime.now(UTC))
    if state.state not in {"current", "warning"}:
        raise _FaultError("none has come yet" if state.state == "none" else "it is older than allowed")
    return f"version {state.version}, {(state.age_seconds or 0) / 3600:.1f} h old, {state.entries} entries"


def _clock(_configuration: Configuration) -> str:
    quality = Chrony().ask() or clock_quality()
    if not quality.synchronised:
        raise _FaultError(f"not synchronised, says {quality.source}")
    return f"synchronised, says {quality.source}; error about {1000 * (quality.estimated_error_seconds or 0):.1f} ms"


def _certificate(configuration: Configuration) -> str:
    leaf, now = certificate(configuration.uplink.certificate), datetime.now(UTC)
    if now < leaf.not_valid_before_utc:
        raise _FaultError(f"it begins on {leaf.not_valid_before_utc:%Y-%m-%d}, and the clock says {now:%Y-%m-%d}")
    left = leaf.not_valid_after_utc - now
    if left.days < CERTIFICATE_DAYS:
        raise _FaultError(f"it ends in {left.days} days")
    return f"valid for {left.days} days more"


def _broker(address: str) -> Callable[[Configuration], str]:
    def check(configuration: Configuration) -> str:
        broker = BrokerAddress.parse(address)
        try:
            context = tls_context(configuration.uplink)
            with (
                socket.create_connection((broker.host, broker.port), timeout=CONNECT_SECONDS) as plain,
                context.wrap_socket(plain, server_hostname=broker.host) as secured,
            ):
                _await_refusal(secured)
                ends, said = peer_expires(secured), f"{secured.version()} with a broker that the department vouches for"
        except (OSError, ssl.SSLError, PlatepostError) as error:
            raise _FaultError(connection_problem(error)) from error
        days = None if ends is None else (ends - datetime.now(UTC)).days
        if days is not None and days < CERTIFICATE_DAYS:
            raise _FaultError(f"the broker's certificate ends in {days} days: renew it at the broker")
        return f"{said}; its certificate is valid for {days} days more"

    return check


def _await_refusal(secured: ssl.SSLSocket) -> None:
    """Give the broker a second to refuse the certificate: with TLS 1.3 it does so after the handshake."""
    secured.settimeout(1.0)
    try:
        if secured.recv(1) == b"":
            raise ssl.SSLError("the broker hung up")
    except TimeoutError:
        return  # it waits for an MQTT CONNECT, as it should

"""`platepost aim`: a page for the technician at the foot of the pole, until the view is accepted."""

import shlex
import signal
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

from platepost.common.commands.options import Number
from platepost.common.commands.spoken import SpokenHelp
from platepost.common.language import Phrase, day, listed, local, spoken
from platepost.common.secrets.owner import become_owner
from platepost.common.signals import Stop, stop_on_signals
from platepost.device import backends
from platepost.device.camera.exposure_settings import ExposureSettings
from platepost.device.camera.picamera2.settings import Picamera2Settings
from platepost.device.camera.v4l2.settings import V4l2Settings
from platepost.device.camera.view import Light, Views, load_views
from platepost.device.commands.options import CONFIG_FILE
from platepost.device.config import Configuration, load
from platepost.device.vision.recognizer import Recognizer
from platepost.provisioning.errors import ProvisioningError
from platepost.technician.aim.advice import Road
from platepost.technician.aim.aiming import LIGHTS, Aiming
from platepost.technician.aim.outlines import Outlines
from platepost.technician.aim.server import Server, service_address
from platepost.technician.aim.session import Session
from platepost.technician.aim.watcher import Watcher
from platepost.technician.commands.options import CONFIG, TECHNICIAN, unit_purpose
from platepost.technician.technician import Technician, certified
from platepost.technician.trail import AuditTrail, require_stopped

PURPOSE = "aiming the camera"
"""Where no one says another; accept has one of its own."""
KMH_PER_MPH = 1.609344
_EXPOSING: Mapping[str, type[ExposureSettings]] = {"picamera2": Picamera2Settings, "v4l2": V4l2Settings}
"""Cameras whose shutter the post sets."""


def _seconds(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    """Take 1/1000 or 0.001 for a shutter."""
    if text is None:
        return None
    above, slash, below = text.partition("/")
    try:
        seconds = float(above) / float(below) if slash else float(above)
    except (ValueError, ZeroDivisionError):
        seconds = 0.0
    if not 0 < seconds <= 1:
        raise click.BadParameter(spoken(Phrase("{given}: expected seconds, such as 1/1000", given=repr(text))))
    return seconds


@click.command(
    cls=SpokenHelp,
    epilog="""\b
Examples:
  sudo platepost aim --as /mnt/r-alvarez
  sudo platepost aim --as /mnt/r-alvarez --address 192.168.50.1 --speed 45 --shutter 1/1000
""",
)
@CONFIG
@TECHNICIAN
@unit_purpose(PURPOSE)
@click.option("--address", help="Address of the unit's service interface.  [default: from the configuration]")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the page.  [default: from the configuration]")
@click.option("--minutes", type=Number(0, 240, min_open=True), help="Minutes until the page closes.")
@click.option("--speed", type=Number(0, 150, min_open=True), help="Speed of vehicles on this road, mph.")
@click.option("--shutter", callback=_seconds, help="Shutter time in seconds, such as 1/1000.")
@click.option(
    "--field-of-view",
    type=Number(0, 180, min_open=True, max_open=True),
    help="Horizontal field of view, degrees.",
)
def aim(
    *,
    path: Path,
    folder: Path,
    purpose: str,
    address: str | None,
    port: int | None,
    minutes: float | None,
    speed: float | None,
    shutter: float | None,
    field_of_view: float | None,
) -> None:
    """Show the camera's view and what to adjust on a page for the technician's phone or laptop.

    Stop the post first. The page is served on the unit's service interface only, to the first browser that opens the
    link or enters the code, and closes automatically. The exit code is 0 if a view was accepted, and 1 if not.
    """
    # Before anything else: libraries lose an exception that a handler raises within them.
    stop = click.get_current_context().with_resource(stop_on_signals())
    configuration, path, folder = load(path), path.absolute(), folder.absolute()
    become_owner(configuration.outbox.path.parent, path)
    service = configuration.service
    road = _road(configuration)
    road = replace(
        road,
        speed_mph=speed or road.speed_mph,
        shutter_seconds=shutter or road.shutter_seconds,
        field_of_view=field_of_view or road.field_of_view,
    )
    where = service_address(address or service.address)
    require_stopped(configuration)
    watcher = watching(configuration, road)
    technician = certified(configuration, folder, purpose=purpose)  # the last that may be refused: it asks a person
    stop.check()
    session = Session(seconds=60 * (minutes or service.minutes))
    aiming = aimed(configuration, watcher, technician, session, address=where, port=port or service.port)
    if watcher.outlines.changed:
        click.echo(
            spoken(
                Phrase(
                    "Lanes were drawn. Before you accept the post, replace all [[passages.lanes]] in {file} with these "
                    "lines:",
                    file=str(path),
                )
            )
            + "\n"
        )
        click.echo(watcher.outlines.toml() or spoken(Phrase("(none: remove them all)")) + "\n")
    views = load_views(configuration.outbox.path.parent)
    if not aiming.accepted:
        before = Phrase("no view was accepted; accepted earlier: {views}", views=_said(views))
        raise ProvisioningError(before if _lights(views) else Phrase("no view was accepted"))
    click.echo(spoken(Phrase("Saved: {views}.", views=_said(views))))
    for line in left_to_do(views, accepted=aiming.accepted, outdated=aiming.outdated):
        click.echo(spoken(line))
    click.echo(spoken(Phrase("Next: {command}", command=next_command(path, folder, purpose))))


def watching(configuration: Configuration, road: Road) -> Watcher:
    """Make what judges the camera's view of a road; nothing is opened yet."""
    camera = backends.camera(configuration.camera.backend, configuration.camera.settings)
    outlines = Outlines(configuration.passages.lanes)
    return Watcher(camera, Recognizer.of(configuration.vision), road, outlines=outlines)


def aimed(
    configuration: Configuration,
    watcher: Watcher,
    technician: Technician,
    session: Session,
    *,
    address: str,
    port: int,
) -> Aiming:
    """Show the page until its session closes; return what was done on it."""
    with ExitStack() as stack:
        stop = stack.enter_context(stop_on_signals())
        trail = stack.enter_context(AuditTrail(configuration, technician, doing="aimed"))
        board = stack.enter_context(backends.board(configuration.board.backend, configuration.board.settings))
        stack.callback(watcher.close)
        aiming = Aiming(
            watcher=watcher,
            board=board,
            session=session,
            folder=configuration.outbox.path.parent,
            who=technician.name,
            audit=trail.record,
        )
        server = Server(aiming, address=address, port=port)
        stack.callback(server.close)
        watcher.start()
        server.start()
        with stop.on_request(lambda: _close(session, stop)):  # before it is said that Ctrl-C does so
            click.echo(spoken(Phrase("Open this link once, on a device at the unit's service interface:")))
            click.echo(f"\n  {server.link}\n")
            code = f"{session.code[:4]} {session.code[4:]}"
            other = Phrase("or {page} and enter the code {code}. Ctrl-C closes the page.", page=server.base, code=code)
            click.echo(spoken(other))
            warning = Phrase(
                "The browser warns that it does not know the page's certificate. Go on only if the SHA-256 fingerprint "
                "that it shows for the certificate is this one:"
            )
            click.echo(f"\n{spoken(warning)}\n  {server.fingerprint}")
            server.wait()
        stop.acknowledge()
        server.close()
        click.echo(spoken(Phrase("The page has closed: {why}.", why=session.why_closed or "")))
    return aiming


def left_to_do(kept: Views, *, accepted: Collection[Light], outdated: Collection[Light]) -> list[Phrase]:
    """Say what is to be looked at of the views that are kept.

    Args:
        kept: what is kept of this session and of those before.
        accepted: the lights in which the view was accepted in this session.
        outdated: in which of them the camera was moved since.

    """
    texts = []
    for light, by in LIGHTS.items():
        view = kept.of(light)
        if view is None:
            texts.append(
                Phrase(
                    "No view is accepted in {light}: run the same command again if this post should read in it.",
                    light=by,
                )
            )
        elif light in outdated:
            texts.append(
                Phrase(
                    "The camera was moved after the view in {light} was accepted: run the same command again.", light=by
                )
            )
        elif light not in accepted:
            texts.append(
                Phrase(
                    "The view in {light} is from {date}: if the camera or lens was turned since, run the same command "
                    "again and accept it, too; otherwise the post will report in that light that its lens moved.",
                    light=by,
                    date=day(view.accepted),
                )
            )
    return texts


def next_command(path: Path, folder: Path, purpose: str) -> str:
    """Return the whole command that accepts the post: with what was not the default here, and a report on the stick."""
    words = ["sudo", "platepost", "accept"]
    if path != CONFIG_FILE:
        words += ["--config", str(path.absolute())]
    words += ["--as", str(folder.absolute())]
    stick = folder.resolve().parent
    if stick.is_mount() and stick != Path(stick.anchor):
        words += ["--output", str(stick)]
    if purpose != PURPOSE:
        words += ["--purpose", purpose]
    return shlex.join(words)


def _close(session: Session, stop: Stop) -> None:
    """Close the page; what was accepted is kept."""
    stopped = Phrase("the terminal was lost, or the command was stopped")
    session.close(Phrase("Ctrl-C was pressed") if stop.signal == signal.SIGINT else stopped)


def _lights(views: Views) -> set[Light]:
    return {light for light in LIGHTS if views.of(light) is not None}


def _said(views: Views) -> str:
    """Say which views a post has, whose and since when."""
    saved_views = [(LIGHTS[light], view) for light in LIGHTS if (view := views.of(light)) is not None]
    texts = [
        Phrase(
            "the view in {light}, accepted {time} by {person}",
            light=by,
            time=local(view.accepted),
            person=view.accepted_by,
        )
        for by, view in saved_views
    ]
    return Phrase("{first}; {second}", first=texts[0], second=texts[1]) if len(texts) == 2 else listed(texts)


def _road(configuration: Configuration) -> Road:
    """Say what the configuration knows of the road: the service's own word first, then what the camera is set for.

    Raises:
        ConfigurationError: the camera does not know one of its settings.

    """
    service = configuration.service
    speed, shutter = service.speed_mph, service.shutter
    backend, model = configuration.camera.backend, _EXPOSING.get(configuration.camera.backend)
    if model is not None:
        backends.check_camera(backend, configuration.camera.settings)
        lens = model.model_validate(configuration.camera.settings)
        speed = speed or lens.fastest_kmh / KMH_PER_MPH
        # The longest that exposure may choose: what is sharp with it is sharp.
        shutter = shutter or lens.longest_microseconds / 1e6
    return Road(speed_mph=speed or Road().speed_mph, shutter_seconds=shutter, field_of_view=service.field_of_view)

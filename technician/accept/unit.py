"""The part of the checklist that needs the post stopped: unit, board, view, rights at the broker."""

from collections.abc import Callable
from time import monotonic, sleep

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.common.errors import CameraError
from platepost.common.language import Phrase, message
from platepost.device import backends
from platepost.device.board.base import Board, Light
from platepost.device.board.status_light import described
from platepost.device.camera.background import BackgroundModel
from platepost.device.camera.lens import judge, resembled
from platepost.device.camera.view import load_views
from platepost.device.commands.selftest import examine
from platepost.device.config import Configuration
from platepost.device.frame import Frame
from platepost.device.uplink.settings import BrokerAddress
from platepost.device.vision.recognizer import Plate, Recognizer
from platepost.provisioning.connection import Connection
from platepost.provisioning.errors import ProvisioningError
from platepost.technician.accept.dialogue import Terminal
from platepost.technician.accept.result import Illustration, Result
from platepost.wire.faults import explained
from platepost.wire.mqtt import MqttClient
from platepost.wire.records import Purpose, Source, keys_topic
from platepost.wire.tls import tls_context

NEIGHBOR = "acceptance-neighbor"
"""A post that does not exist: anyone who may write below it may write below every other."""


TAMPER_SECONDS = 120.0
SETTLE_SECONDS = 4.0
"""For the exposure, which changes by a factor of 1.6 every half second at most."""
_PICTURE_WIDTH = 640


def unit(configuration: Configuration) -> list[Result]:
    """Run the self-test, except the hot list, which is judged on the running post."""
    points = examine(configuration, leave_out=("hot list",))
    return [Result(point=point.point, good=point.good, said=point.said) for point in points]


def board(configuration: Configuration, dialogue: Terminal) -> list[Result]:
    """Try the pins: the light that a person sees, and the switch that a person opens."""
    backend = configuration.board.backend
    if backend == "none":
        return [Result(point=Phrase("pins"), good=True, said=Phrase("this unit has no board"))]
    with backends.board(backend, configuration.board.settings) as opened_board:
        results = [_lights(opened_board, dialogue)]
        results += _tamper(opened_board, dialogue)
    return results


def _lights(made: Board, dialogue: Terminal) -> Result:
    shown = Light.IN_SERVICE
    made.illuminator(on=True)
    made.status_light(shown)
    seen = dialogue.ask(
        Phrase(
            "Does the status light show this: {pattern}? "
            "And is the infrared lamp lit (look at it through a phone's camera)?",
            pattern=described(shown),
        )
    )
    made.illuminator(on=False)
    made.status_light(Light.OFF)
    return Result(point=Phrase("status light and lamp"), good=seen, said=Phrase("seen") if seen else Phrase("not seen"))


def _tamper(made: Board, dialogue: Terminal) -> list[Result]:
    point = Phrase("tamper switch")
    if made.tamper_open():
        dialogue.say(Phrase("The case is open: close it."))
    else:
        dialogue.say(Phrase("Open the case, and close it again."))
        if not _until(made.tamper_open):
            text = Phrase("not seen open within {seconds} s", seconds=f"{TAMPER_SECONDS:.0f}")
            return [Result(point=point, good=False, said=text)]
    closed = _until(lambda: not made.tamper_open())
    text = Phrase("seen open and closed") if closed else Phrase("it stays open")
    return [Result(point=point, good=closed, said=text)]


def _until(condition: Callable[[], bool]) -> bool:
    end = monotonic() + TAMPER_SECONDS
    while not condition():
        if monotonic() > end:
            return False
        sleep(0.1)
    return True


def view(configuration: Configuration) -> list[Result]:
    """Compare what the camera sees with what was accepted when it was aimed; plates in the picture are made illegible.

    Raises:
        ConfigurationError: the accepted view is damaged.

    """
    views = load_views(configuration.outbox.path.parent)
    named = ((Phrase("daylight"), views.day), (Phrase("infrared"), views.infrared))
    accepted = {name: light for name, light in named if light is not None}
    point = Phrase("view")
    if not accepted:
        return [Result(point=point, good=False, said=Phrase("no view was accepted yet: platepost aim"))]
    frame, background = _measure_view(configuration)
    faults = judge(*background.median, views)
    plates = Recognizer.of(configuration.vision).recognize(frame.gray).plates
    by = [Phrase("{light} by {person}", light=name, person=light.accepted_by) for name, light in accepted.items()]
    all_by = by[0] if len(by) == 1 else Phrase("{first} and {second}", first=by[0], second=by[1])
    text = Phrase("as accepted: {by}", by=all_by)
    if faults:
        text = explained(sorted(faults))
    if not faults and resembled(background.median[0], views) is None:
        # No fault: by night, without the lamp, that is as it should be. The post at work names a picture that stays so.
        dark = float(background.median[0].mean()) < min(float(light.picture.mean()) for light in accepted.values())
        text = Phrase("not compared: it is too bright for what was accepted, {by}", by=all_by)
        if dark:
            text = Phrase("not compared: it is too dark for what was accepted, {by}", by=all_by)
    picture = Illustration.of(Phrase("The view; plates are made illegible."), _illegible(frame.color(), plates))
    return [Result(point=point, good=not faults, said=text, pictures=(picture,))]


def _measure_view(configuration: Configuration) -> tuple[Frame, BackgroundModel]:
    """Look for some seconds, so that vehicles pass out of what is compared; return the last frame too.

    Some seconds ahead the camera is only metered: it begins with an exposure for any weather.
    """
    background = BackgroundModel()
    camera = backends.camera(configuration.camera.backend, configuration.camera.settings)
    with camera:
        settled: float | None = None
        for frame in camera.frames():
            settled = settled or frame.monotonic + SETTLE_SECONDS
            camera.meter(frame, ())
            if frame.monotonic >= settled and background.update(frame.gray, frame.monotonic):
                return frame, background
    raise CameraError(Phrase("too few frames came"))


def _illegible(color: NDArray[np.uint8], plates: tuple[Plate, ...]) -> bytes:
    shown = color.copy()
    for plate in plates:
        left, top, right, bottom = (max(0, round(edge)) for edge in plate.box)
        part = shown[top:bottom, left:right]
        if part.size:
            coarse = cv2.resize(part, (4, 2), interpolation=cv2.INTER_AREA)
            shown[top:bottom, left:right] = cv2.resize(
                coarse, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_NEAREST
            )
    scale = min(1.0, _PICTURE_WIDTH / shown.shape[1])
    size = (round(shown.shape[1] * scale), round(shown.shape[0] * scale))
    encoded, content = cv2.imencode(".jpg", cv2.resize(shown, size, interpolation=cv2.INTER_AREA))
    return content.tobytes() if encoded else b""


def rights(configuration: Configuration) -> list[Result]:
    """See that the broker refuses what this post may not do."""
    topics, point = foreign_topics(configuration), Phrase("rights at the broker")
    try:
        open_to_it = [topic for topic in topics if not refused(configuration, topic)]
    except ProvisioningError as error:
        return [Result(point=point, good=False, said=message(error))]
    text = Phrase("{count} topics of others are refused to it", count=str(len(topics)))
    if open_to_it:
        text = Phrase("the broker lets it write {topics}", topics=", ".join(open_to_it))
    return [Result(point=point, good=not open_to_it, said=text)]


def foreign_topics(configuration: Configuration) -> tuple[str, ...]:
    """Return topics that a post must not be able to write."""
    own = Source(configuration.post.agency, configuration.post.name)
    neighbor = Source(configuration.post.agency, NEIGHBOR)
    others = (neighbor.topic("status"), neighbor.topic("read"))
    return (*others, own.configuration, own.command("restart"), keys_topic(own.agency, Purpose.LISTS))


def refused(configuration: Configuration, topic: str) -> bool:
    """Say whether the first broker refuses that the post writes a topic; see `Connection.is_refused`.

    Raises:
        ProvisioningError: the broker cannot be reached or does not answer.

    """
    client = MqttClient(configuration.post.name, tls_context(configuration.uplink))
    with Connection(client, broker=str(BrokerAddress.parse(configuration.uplink.brokers[0]))) as connection:
        return connection.is_refused(topic)

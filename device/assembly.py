"""From a configuration to the parts of a post: everything that can be wrong is found here, before anything starts."""

from datetime import datetime
from pathlib import Path

from cryptography import x509

from device import __version__
from device.config import Configuration
from device.errors import ConfigurationError
from device.hotlist import HotListStore
from device.outbox import Outbox, read_key_file
from device.records import Model, Place, Versions
from device.uplink import UplinkSettings
from device.vision.motion import MotionGate
from device.vision.passages import PassageRules
from device.vision.pipeline import Limits, Pipeline
from device.vision.recogniser import Recogniser


def recogniser(configuration: Configuration) -> Recogniser:
    """Load both networks.

    Raises:
        BackendError: the TFLite runtime is missing.
        ModelError: a model file is missing or damaged.

    """
    section = configuration.vision
    return Recogniser.load(detector=section.detector, reader=section.reader, minimum_score=section.minimum_score)


def pipeline(configuration: Configuration, networks: Recogniser) -> Pipeline:
    """Make the way of a frame through vision."""
    passages, vision = configuration.passages, configuration.vision
    return Pipeline(
        networks,
        rules=PassageRules(
            gone_seconds=passages.gone_seconds,
            longest_seconds=passages.longest_seconds,
            sure=passages.sure,
            agreeing=passages.agreeing,
            agreeing_confidence=passages.agreeing_confidence,
        ),
        limits=Limits(
            minimum_confidence=vision.minimum_confidence,
            minimum_characters=vision.minimum_characters,
            repeat_seconds=passages.repeat_seconds,
        ),
        motion=MotionGate(least_area=vision.motion_area),
    )


def versions(configuration: Configuration, networks: Recogniser) -> Versions:
    """Say what runs."""
    return Versions(
        software=__version__,
        configuration=configuration.digest[:16],
        models=(
            Model(name="detector", digest=networks.detector.model.digest),
            Model(name="reader", digest=networks.reader.model.digest),
        ),
    )


def place(configuration: Configuration) -> Place:
    """Say where the post stands."""
    post = configuration.post
    return Place(
        site=post.site or None,
        latitude=post.latitude,
        longitude=post.longitude,
        heading_degrees=post.heading_degrees,
    )


def hotlist_store(configuration: Configuration) -> HotListStore:
    """Open the folder of the post's lists; none is loaded yet.

    Raises:
        ConfigurationError: a key file is unreadable or of the wrong kind.

    """
    section = configuration.hotlist
    return HotListStore(
        section.directory,
        agency=configuration.post.agency,
        issuer_key=_content(section.issuer_key, "hotlist.issuer_key"),
        unseal_key=_content(section.unseal_key, "hotlist.unseal_key"),
    )


def outbox(configuration: Configuration) -> Outbox:
    """Open the outbox.

    Raises:
        OutboxError: it cannot be opened.

    """
    section = configuration.outbox
    return Outbox(
        section.path, key=read_key_file(section.key_file), quota_bytes=round(section.quota_megabytes * 1024 * 1024)
    )


def uplink_settings(configuration: Configuration, *, broker: str | None = None) -> UplinkSettings:
    """Say how the department's brokers are reached, or one of them only."""
    section = configuration.uplink
    return UplinkSettings(
        brokers=section.brokers if broker is None else (broker,),
        ca=section.ca,
        certificate=section.certificate,
        private_key=section.private_key,
        client_id=configuration.post.name,  # brokers compare it with the certificate
        settle_seconds=section.settle_seconds,
        may_go_unheard=section.may_go_unheard,
    )


def certificate_expires(configuration: Configuration) -> datetime:
    """Read when the post's certificate ends, UTC.

    Raises:
        ConfigurationError: the file is unreadable or no certificate.

    """
    path = configuration.uplink.certificate
    try:
        certificate = x509.load_pem_x509_certificate(_content(path, "uplink.certificate"))
    except ValueError as error:
        raise ConfigurationError(f"uplink.certificate = {str(path)!r}: not a certificate in PEM") from error
    return certificate.not_valid_after_utc


def _content(path: Path, key: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{key} = {str(path)!r}: {error.strerror or error}") from error

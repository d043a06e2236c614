"""From a configuration to the parts of a post: everything that can be wrong is found here, before anything starts."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from cryptography import x509

from device import __version__
from device.clock.chrony import Chrony
from device.clock.kernel import clock_quality
from device.clock.timekeeper import Timekeeper
from device.config import Configuration
from device.errors import ConfigurationError
from device.hotlist import HotListStore
from device.hotlist.issuers import Issuers
from device.outbox import Outbox, read_key_file
from device.recording import Recordings
from device.recording.recordings import Trail
from device.records import Keyring, Model, Place, Recorder, Signer, Source, Versions
from device.records.recorder import Store
from device.systemd import Notifier
from device.uplink import UplinkSettings
from device.vision.motion import MotionGate
from device.vision.passages import PassageRules
from device.vision.pipeline import Limits, Pipeline
from device.vision.recogniser import Recogniser


def recogniser(configuration: Configuration) -> Recogniser:
    """Load the networks.

    Raises:
        BackendError: the TFLite runtime is missing.
        ModelError: a model file is missing or damaged.

    """
    section = configuration.vision
    return Recogniser.load(
        detector=section.detector, reader=section.reader, region=section.region, minimum_score=section.minimum_score
    )


def pipeline(configuration: Configuration, networks: Recogniser | None) -> Pipeline:
    """Make the way of a frame through vision."""
    return Pipeline(
        networks,
        rules=_rules(configuration),
        limits=_limits(configuration),
        motion=MotionGate(least_area=configuration.vision.motion_area),
    )


def adjust(pipeline: Pipeline, configuration: Configuration) -> None:
    """Have a running pipeline go by another configuration; its networks stay."""
    pipeline.adjust(
        rules=_rules(configuration),
        limits=_limits(configuration),
        motion=MotionGate(least_area=configuration.vision.motion_area),
        minimum_score=configuration.vision.minimum_score,
    )


def _rules(configuration: Configuration) -> PassageRules:
    passages = configuration.passages
    return PassageRules(
        gone_seconds=passages.gone_seconds,
        longest_seconds=passages.longest_seconds,
        sure=passages.sure,
        agreeing=passages.agreeing,
        agreeing_confidence=passages.agreeing_confidence,
    )


def _limits(configuration: Configuration) -> Limits:
    return Limits(
        minimum_confidence=configuration.vision.minimum_confidence,
        minimum_characters=configuration.vision.minimum_characters,
        repeat_seconds=configuration.passages.repeat_seconds,
    )


def versions(configuration: Configuration, networks: Recogniser | None) -> Versions:
    """Say what runs; no models while there are none."""
    return Versions(
        software=__version__,
        configuration=configuration.digest[:16],
        models=() if networks is None else tuple(_models(networks)),
    )


def _models(networks: Recogniser) -> Iterator[Model]:
    yield Model(name="detector", digest=networks.detector.model.digest)
    yield Model(name="reader", digest=networks.reader.model.digest)
    if networks.region is not None:
        yield Model(name="region", digest=networks.region.model.digest)


def place(configuration: Configuration) -> Place:
    """Say where the post stands."""
    post = configuration.post
    return Place(
        site=post.site or None,
        latitude=post.latitude,
        longitude=post.longitude,
        heading_degrees=post.heading_degrees,
    )


def recorder(configuration: Configuration, store: Store, *, now: Callable[[], datetime]) -> Recorder:
    """Make what signs the post's records; the former key is taken along as long as its file is there.

    Raises:
        RecordError: a key file is unreadable or no private key on P-256.

    """
    section = configuration.records
    former = section.former_signing_key
    return Recorder(
        store,
        Signer.from_file(section.signing_key),
        Source(configuration.post.agency, configuration.post.name),
        former=Signer.from_file(former) if former is not None and former.exists() else None,
        now=now,
    )


def record_keys(configuration: Configuration) -> Keyring:
    """Read what the post's own records are checked with: its signing key and, where it is kept, the former one.

    Raises:
        RecordError: a key file is unreadable or no key on P-256.

    """
    section = configuration.records
    former = section.former_signing_key
    return Keyring.from_files(section.signing_key, *([former] if former is not None and former.exists() else []))


def hotlist_store(configuration: Configuration, issuers: Issuers) -> HotListStore:
    """Open the folder of the post's lists; none is loaded yet.

    Raises:
        ConfigurationError: a key file is unreadable or of the wrong kind.

    """
    section = configuration.hotlist
    return HotListStore(
        section.directory,
        agency=configuration.post.agency,
        issuer_key=issuers,
        unseal_key=_content(section.unseal_key, "hotlist.unseal_key"),
        size_jump=section.size_jump,
    )


def outbox(configuration: Configuration) -> Outbox:
    """Open the outbox.

    Raises:
        OutboxError: it cannot be opened.

    """
    section = configuration.outbox
    return Outbox(
        section.path,
        key=read_key_file(section.key_file),
        quota_bytes=round(section.quota_megabytes * 1024 * 1024),
        meanwhile=Notifier().busy,
    )


def uplink_settings(configuration: Configuration, *, broker: str | None = None) -> UplinkSettings:
    """Say how the department's brokers are reached, or one of them only."""
    section = configuration.uplink
    return UplinkSettings(
        brokers=section.brokers if broker is None else (broker,),
        ca=section.ca,
        certificate=section.certificate,
        private_key=section.private_key,
        client_id=configuration.post.name,
        backoff_first_seconds=section.reconnect_seconds,
        settle_seconds=section.settle_seconds,
        session_expiry_seconds=section.session_seconds,
        may_go_unheard=section.may_go_unheard,
    )


def timekeeper(configuration: Configuration, chrony: Chrony, outbox: Outbox) -> Timekeeper:
    """Make the post's time, whose floor is kept beside the outbox, and which goes on from the chain's last record.

    Raises:
        ConfigurationError: the post's certificate, whose beginning has passed for certain, is unreadable.

    """
    return Timekeeper(
        configuration.outbox.path.parent / "clock.json",
        trusted=[certificate(configuration).not_valid_before_utc],
        last=outbox.head.time,
        quality=lambda: chrony.quality() or clock_quality(),
    )


def recordings(
    configuration: Configuration, trail: Trail, versions: Versions, *, now: Callable[[], datetime]
) -> Recordings:
    """Make what records the camera's frames when it is allowed and asked for.

    Raises:
        ConfigurationError: it is allowed, and the key to seal to is unreadable or of the wrong kind.

    """

    def settings() -> dict[str, object]:
        told = configuration.model_dump(mode="json", include={"post", "camera", "vision", "passages"})
        return {"configuration": told, "versions": versions.model_dump(mode="json")}

    return Recordings(configuration.recording, trail, post=configuration.post.name, settings=settings, now=now)


def certificate_expires(configuration: Configuration) -> datetime:
    """Read when the post's certificate ends, UTC.

    Raises:
        ConfigurationError: the file is unreadable or no certificate.

    """
    return certificate(configuration).not_valid_after_utc


def certificate(configuration: Configuration) -> x509.Certificate:
    """Read the post's certificate.

    Raises:
        ConfigurationError: the file is unreadable or no certificate.

    """
    path = configuration.uplink.certificate
    try:
        return x509.load_pem_x509_certificate(_content(path, "uplink.certificate"))
    except ValueError as error:
        raise ConfigurationError(f"uplink.certificate = {str(path)!r}: not a certificate in PEM") from error


def _content(path: Path, key: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{key} = {str(path)!r}: {error.strerror or error}") from error

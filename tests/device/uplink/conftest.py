"""A throw-away authority, a real mosquitto and a plain subscriber."""

import datetime as dt
import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc.jwk import ECKey
from paho.mqtt.client import Client, MQTTMessage

from platepost.device.outbox.outbox import Outbox
from platepost.device.uplink.uplink import Uplink
from platepost.simulator.brokers.daemon import free_port
from platepost.wire.contract.examples import LIST, example_audit, example_sight, example_status
from platepost.wire.mqtt import MqttClient
from platepost.wire.records import (
    Envelope,
    Hit,
    Picture,
    Reason,
    Recorder,
    Signer,
    Source,
    new_identifier,
)
from tests.rigs import make_uplink, uplink_arguments
from tests.waiting import until

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
AGENCY, POST = "demo", "post-1"


class Authority:
    """Signs certificates; files lie in `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Throw-away CA")])
        certificate = (
            self._builder(self.name, self.key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signing=True), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.ca = directory / "ca.pem"
        self.ca.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, server: bool = False, hosts: tuple[str, ...] = ("localhost",)) -> tuple[Path, Path]:
        """Return the paths of a new certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = (
            self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signing=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        )
        if server:
            names = [x509.DNSName(host) for host in hosts]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        paths = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return paths

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )


def _usage(*, signing: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signing,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signing,
        crl_sign=signing,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass
class Mosquitto:
    """One mosquitto with mutual TLS and rights by certificate."""

    directory: Path
    authority: Authority
    port: int
    rights: str
    extra: str = ""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # Files of its own: mosquitto listens before it has read them, and the next broker's must not lie there by then.
        certificate, key = self.authority.issue(f"broker-{self.port}", server=True)
        state = self.directory / "state"
        state.mkdir(exist_ok=True)
        acl = self.directory / "acl"
        acl.write_text(self.rights)
        acl.chmod(0o700)
        configuration = self.directory / "mosquitto.conf"
        configuration.write_text(
            f"user root\nlistener {self.port} 127.0.0.1\ncafile {self.authority.ca}\ncertfile {certificate}\n"
            f"keyfile {key}\nrequire_certificate true\nuse_identity_as_username true\ntls_version tlsv1.3\n"
            f"acl_file {acl}\npersistence true\npersistence_location {state}/\nautosave_interval 1\n"
            f"autosave_on_changes true\nallow_anonymous false\n{self.extra}\n"
        )
        assert MOSQUITTO is not None
        log = (self.directory / "mosquitto.log").open("ab")
        self.process = subprocess.Popen(
            [MOSQUITTO, "-v", "-c", str(configuration)], stdout=log, stderr=subprocess.STDOUT
        )
        until(self._listening, "mosquitto to listen")

    def _listening(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self) -> str:
        return (self.directory / "mosquitto.log").read_text(errors="replace")

    def wait_for_saving(self) -> None:
        """Wait until what this broker, which saves by the clock, has now is saved."""
        before = self.log().count("Saving in-memory")
        # The next one may be under way; it has ended when the one after begins.
        until(lambda: self.log().count("Saving in-memory") >= before + 2, what="two more savings")

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(10)
            self.process = None


@dataclass
class Subscriber:
    """Keeps everything below the agency, through a session of its own."""

    client: MqttClient
    bodies: list[bytes] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    retained: list[bool] = field(default_factory=list)
    properties: list[Any] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in list(self.bodies)]

    @property
    def ids(self) -> set[str]:
        return {event["id"] for event in self.events}


RIGHTS = (
    "user post-1\ntopic write alpr/v1/demo/post-1/#\ntopic read alpr/v1/demo/hotlist/package\n"
    "user keeper\ntopic read alpr/v1/demo/#\ntopic write alpr/v1/demo/hotlist/package\n"
)


@dataclass
class Bench:
    """All that a test of the uplink needs."""

    directory: Path
    authority: Authority
    outbox: Outbox
    signer: Signer
    recorder: Recorder
    brokers: list[Mosquitto] = field(default_factory=list)
    clients: list[MqttClient] = field(default_factory=list)

    def wait_for(self, condition: Callable[[], bool], *, what: str) -> None:
        until(condition, what)

    # --- the department

    def broker(self, *, rights: str = RIGHTS, extra: str = "") -> Mosquitto:
        if MOSQUITTO is None:
            pytest.skip("mosquitto is missing: make tools")
        directory = self.directory / f"broker-{len(self.brokers)}"
        directory.mkdir()
        broker = Mosquitto(directory, self.authority, free_port(), rights, extra)
        self.brokers.append(broker)
        broker.start()
        return broker

    def keeper(self, broker: Mosquitto) -> Subscriber:
        """A subscriber with a session of its own, as a record keeper is."""
        certificate, key = self.authority.issue("keeper")
        context = ssl.create_default_context(cafile=str(self.authority.ca))
        context.load_cert_chain(certificate, key)
        client = MqttClient("keeper", context)
        client.reconnect_delay_set(1, 1)
        subscriber = Subscriber(client)

        def on_message(_client: Client, _userdata: object, message: MQTTMessage) -> None:
            subscriber.bodies.append(message.payload)
            subscriber.topics.append(message.topic)
            subscriber.retained.append(message.retain)
            subscriber.properties.append(message.properties)

        client.on_message = on_message
        client.listen(["alpr/v1/demo/#"], ready=subscriber.ready.set, refused=pytest.fail)
        client.connect_to("localhost", broker.port, session_seconds=3600)
        client.loop_start()
        self.clients.append(client)
        assert subscriber.ready.wait(60)
        return subscriber

    # --- the post

    def settings(self, *brokers: Mosquitto, name: str = POST, **changes: object) -> dict[str, Any]:
        """Return what an uplink is made with; `changes` are keys of its settings, or of its timing."""
        certificate, key = self.authority.issue(name)
        values: dict[str, Any] = {
            "brokers": tuple(f"localhost:{broker.port}" for broker in brokers),
            "ca": self.authority.ca,
            "certificate": certificate,
            "private_key": key,
            "reconnect_seconds": 0.1,
            "max_backoff_seconds": 0.3,
            "first_refusal_wait_seconds": 0.5,
        }
        return uplink_arguments(name, values | changes)

    def uplink(self, settings: dict[str, Any], **more: Any) -> Uplink:
        return make_uplink(self.outbox, settings, **{"will": self.will} | more)

    def audit(self, number: int = 0, *, padding: int = 0) -> Envelope:
        return self.recorder.record(example_audit("door_closed", details={"number": number, "padding": "x" * padding}))

    def hit(self, *, picture_bytes: int = 500) -> Envelope:
        pictures = tuple(
            Picture.of(kind, bytes(picture_bytes * size), width=1, height=1)
            for kind, size in (("patch", 1), ("overview", 8))
        )
        values = example_sight(new_identifier()) | {
            "hit": new_identifier(),
            "plate_matched": "7ABC123",
            "match": "exact",
            "category": "Stolen Vehicle",
            "priority": 1,
            "hotlist": LIST,
            "hotlist_stale": False,
            "pictures": pictures,
        }
        return self.recorder.record(Hit.model_validate(values))

    def birth(self) -> None:
        self.recorder.record(example_status("online", new_identifier()))

    def will(self) -> Envelope:
        silent = Reason(name="connection_lost", message="The post fell silent.")
        return self.recorder.unchained(example_status("offline", new_identifier(), silent))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    signer = Signer(ECKey.generate_key("P-256"))
    with Outbox(tmp_path / "outbox" / "outbox.db", key=bytes(32)) as outbox:
        recorder = Recorder(outbox, signer, Source(AGENCY, POST))
        bench = Bench(tmp_path, Authority(tmp_path / "authority"), outbox, signer, recorder)
        yield bench
        for client in bench.clients:
            client.end()
        for broker in bench.brokers:
            broker.kill()

"""A client of the department's: MQTT 5 over mutual TLS 1.3 with an identity folder that the fleet wrote."""

import socket
import ssl
from pathlib import Path
from queue import Empty, Queue

import paho.mqtt.client as mqtt
from cryptography import x509
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from device.records import hotlist_package
from provisioning.authority import CERTIFICATE_FILE, KEY_FILE
from provisioning.errors import ProvisioningError

_CONNECT_SECONDS = 10.0
_PUBLISH_SECONDS = 60.0
"""A list of a million plates is some tens of megabytes."""


def split_address(address: str) -> tuple[str, int]:
    """Split `host:port`, or `[IPv6]:port`.

    Raises:
        ProvisioningError: it is not of that form.

    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ProvisioningError(f"broker {address!r}: host:port is wanted")
    return host.strip("[]"), int(port)


def secured_client(folder: Path, *, manual_ack: bool = False) -> mqtt.Client:
    """Make a client, not yet connected, with the identity in `folder`: its root, certificate and key.

    The broker's certificate is verified against the fleet's root, and its name checked. `manual_ack` leaves it to the
    caller to acknowledge each message.

    Raises:
        ProvisioningError: a file of the identity is missing or damaged.

    """
    try:
        certificate = x509.load_pem_x509_certificate((folder / CERTIFICATE_FILE).read_bytes())
        context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(folder / CERTIFICATE_FILE, folder / KEY_FILE)
    except (OSError, ValueError) as error:
        raise ProvisioningError(f"{folder}: no identity of a client can be read from it ({error})") from error
    name = str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5, manual_ack=manual_ack)
    client.tls_set_context(context)
    client.on_socket_open = _no_delay
    return client


def publish_hot_list(package: bytes, *, agency: str, identity: Path, broker: str) -> None:
    """Publish a hot-list package to all posts of the agency, retained, and wait until the broker has it.

    Args:
        package: the signed, sealed package.
        agency: whose posts.
        identity: the folder of the department's client.
        broker: `host:port`.

    Raises:
        ProvisioningError: the broker cannot be reached, or refuses the client or the package.

    """
    host, port = split_address(broker)
    client = secured_client(identity)
    answers: Queue[ReasonCode] = Queue()
    client.on_connect = lambda _client, _data, _flags, reason, _properties: answers.put(reason)
    client.on_publish = lambda _client, _data, _mid, reason, _properties: answers.put(reason)
    try:
        client.connect(host, port)
        client.loop_start()
        _accepted(answers, _CONNECT_SECONDS, f"connecting to {broker}")
        client.publish(hotlist_package(agency), package, qos=1, retain=True)
        _accepted(answers, _PUBLISH_SECONDS, "publishing the hot list")
    except OSError as error:
        raise ProvisioningError(f"broker {broker}: {error}") from error
    finally:
        client.disconnect()
        client.loop_stop()


def _accepted(answers: "Queue[ReasonCode]", seconds: float, what: str) -> None:
    try:
        reason = answers.get(timeout=seconds)
    except Empty:
        raise ProvisioningError(f"{what}: no answer within {seconds:.0f} s") from None
    if reason.is_failure:
        raise ProvisioningError(f"{what}: the broker answered {reason}")


def _no_delay(_client: mqtt.Client, _data: object, opened: object) -> None:
    if isinstance(opened, socket.socket):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

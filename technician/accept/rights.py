"""Whether the broker holds a post to its rights: asked with the post's own certificate, while the post is stopped."""

from platepost.device.config import Configuration
from platepost.device.uplink.settings import BrokerAddress
from platepost.provisioning.connection import Connection
from platepost.wire.mqtt import MqttClient
from platepost.wire.records import Purpose, Source, keys_topic
from platepost.wire.tls import tls_context

NEIGHBOR = "acceptance-neighbor"
"""A post that does not exist: anyone who may write below it may write below every other."""


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

"""Replaying a recording: each message by the identity of the post that published it, at the pace it had or faster."""

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes

from platepost.common.signals import check, sleep
from platepost.device.uplink.connection import publish_properties
from platepost.provisioning.connection import secured_client, split_address
from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.brokers.mosquitto import Broker
from platepost.simulator.errors import PlaybackError
from platepost.simulator.ground.site import Site
from platepost.simulator.messages.recording import Head, Message
from platepost.wire.mqtt import MqttClient

CONNECT_SECONDS = 10.0
PUBLISH_SECONDS = 30.0
_CHECK_SECONDS = 0.2


def replay(
    messages: Iterable[Message],
    *,
    fleet: Fleet,
    broker: str,
    speed: float,
    progress: Callable[[], None] = lambda: None,
    wait: Callable[[float], None] = sleep,
) -> int:
    """Publish messages, and return how many, once the broker has acknowledged all.

    Args:
        messages: in order of time.
        fleet: has an identity for each post: brokers let a post write below its own name alone.
        broker: `host:port`.
        speed: how many times faster than recorded.
        progress: called after each message.
        wait: waits some seconds.

    Raises:
        PlaybackError: the broker did not answer, or refused a message.

    """
    clients: dict[str, MqttClient] = {}
    refused: list[str] = []
    count, began = 0, time.monotonic()
    waiting: list[mqtt.MQTTMessageInfo] = []
    with ExitStack() as stack:
        for message in messages:
            if message.post not in clients:
                clients[message.post] = _connected(fleet, message.post, broker, refused, stack)
            wait(max(0.0, began + message.at / speed - time.monotonic()))
            properties = publish_properties(PacketTypes.PUBLISH, expiry_seconds=None)
            client = clients[message.post]
            waiting.append(client.publish(message.topic, message.payload, message.qos, message.retain, properties))
            count += 1
            progress()
            if len(waiting) >= 200:
                _acknowledged(waiting, refused)
        _acknowledged(waiting, refused)
    return count


def add_posts(site: Site[Broker], head: Head) -> None:
    """Give a site an identity for each post of a recording.

    Raises:
        ProvisioningError: a name cannot be.

    """
    for name in head.keys:
        if name not in site.fleet.posts():
            site.add_post(name)


def _connected(fleet: Fleet, post: str, broker: str, refused: list[str], stack: ExitStack) -> MqttClient:
    if post not in fleet.posts():
        raise PlaybackError(f"the fleet has no post {post}, which published in the recording")
    client = secured_client(fleet.post(post))
    client.on_publish = lambda _client, _data, _mid, reason, _properties: (
        refused.append(f"{post}: {reason}") if reason.is_failure else None
    )
    try:
        client.connect_to(*split_address(broker), seconds=CONNECT_SECONDS)
    except OSError as error:
        raise PlaybackError(f"broker {broker}: {error}") from error
    client.loop_start()
    stack.callback(client.end)
    deadline = time.monotonic() + CONNECT_SECONDS
    while not client.is_connected():
        if time.monotonic() > deadline:
            raise PlaybackError(f"broker {broker}: no answer within {CONNECT_SECONDS:.0f} s")
        sleep(0.01)
    return client


def _acknowledged(waiting: list[mqtt.MQTTMessageInfo], refused: list[str]) -> None:
    for info in waiting:
        deadline = time.monotonic() + PUBLISH_SECONDS
        while not info.is_published() and time.monotonic() < deadline:
            check()
            info.wait_for_publish(_CHECK_SECONDS)
        if not info.is_published():
            raise PlaybackError(f"the broker did not acknowledge a message within {PUBLISH_SECONDS:.0f} s")
    waiting.clear()
    if refused:
        raise PlaybackError(f"the broker rejected a message: {refused[0]}")

"""What your own test may look like: the fixtures come with Platepost's extra `simulator`."""

import json
import ssl

import paho.mqtt.client as mqtt


def test_console_shows_a_hit_as_unverified(platepost_broker, platepost_post):
    broker, heard = platepost_broker, []
    identity = broker.identity("console")
    context = ssl.create_default_context(cafile=identity / "ca.pem")
    context.load_cert_chain(identity / "certificate.pem", identity / "private_key.pem")
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="console", protocol=mqtt.MQTTv5)
    client.tls_set_context(context)
    client.on_connect = lambda client, *_: client.subscribe(f"{broker.topics}/+/hit/#", 1)
    client.on_subscribe = lambda *_: platepost_post.passes("7ABC123", listed="stolen_vehicle")
    client.on_message = lambda _client, _data, message: heard.append(json.loads(message.payload))
    client.connect(broker.host, broker.port)
    while not heard:
        client.loop(0.1)
    client.disconnect()

    assert heard[0]["data"]["plate_read"] == "7ABC123"
    assert heard[0]["data"]["verification"] == "unverified"

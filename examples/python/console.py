"""A console: prints every hit, once, with what it is worth, and verifies who said so.

Needs paho-mqtt, cryptography and rfc8785, and nothing of Platepost::

    pip install paho-mqtt cryptography rfc8785
    python console.py --broker broker.example:8883 --identity subscribers/dispatch --agency riverside --keys records/

`--identity` is the folder that the department gave you: certificate.pem, private_key.pem, ca.pem. `--keys` is a folder
with each post's public key, POST.pem.
"""

import argparse
import base64
import hashlib
import json
import ssl
import sys
from collections import OrderedDict
from pathlib import Path

import paho.mqtt.client as mqtt
import rfc8785
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

REMEMBERED = 100_000
"""Identifiers of records: what is older than so many records does not come again."""
DAY = 24 * 3600


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def canonical(event):
    """Return what is signed: the event without its signature and without the bytes of its pictures, RFC 8785."""
    bare = {name: value for name, value in event.items() if name != "signature"}
    pictures = bare["data"].get("pictures")
    if pictures is not None:
        stripped = [{name: value for name, value in picture.items() if name != "data"} for picture in pictures]
        bare["data"] = bare["data"] | {"pictures": stripped}
    return rfc8785.dumps(bare)


def genuine(event, key):
    """Tell whether the post that holds `key` signed this event, and its pictures are the ones that it took."""
    head, _, tail = event["signature"].partition("..")
    if json.loads(unb64(head)).get("alg") != "ES256":
        return False
    signature = unb64(tail)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        signed = f"{head}.{b64(canonical(event))}".encode()
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return all(
        hashlib.sha256(base64.b64decode(picture["data"])).hexdigest() == picture["sha256"]
        for picture in event["data"].get("pictures", [])
        if "data" in picture
    )


class Console:
    def __init__(self, keys):
        self.keys = keys
        self.seen = OrderedDict()
        self.hits = {}

    def take(self, payload):
        event = json.loads(payload)
        if event["id"] in self.seen:  # QoS 1: the same record may come again, with the same id
            return
        self.seen[event["id"]] = True
        if len(self.seen) > REMEMBERED:
            self.seen.popitem(last=False)
        post = event["source"].rsplit("/", 1)[1]
        key = self.keys / f"{post}.pem"
        if not key.is_file():
            print(f"NOT SHOWN  {post}: no key of this post here", flush=True)
        elif not genuine(event, load_pem_public_key(key.read_bytes())):
            print(f"NOT SHOWN  {post}: not signed by this post", flush=True)
        elif event["type"] == "platepost.hit.v1":
            self.show(post, event["data"])
        elif event["type"] == "platepost.hit.withdrawn.v1":
            print(f"WITHDRAWN  {post}  {self.hits.pop(event['data']['hit'], 'a hit not seen here')}", flush=True)

    def show(self, post, hit):
        listed = "" if hit["plate_matched"] == hit["plate_read"] else f", list says {hit['plate_matched']}"
        stale = "  THE LIST IS OLD" if hit["hotlist_stale"] else ""
        line = f"{hit['plate_read']}  {hit['category']}, {hit['match']}{listed}"
        self.hits[hit["hit"]] = line
        print(f"UNVERIFIED {post}  {line}{stale}\n           {hit['wording']}", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--broker", required=True, metavar="HOST:PORT")
    options.add_argument("--identity", required=True, type=Path)
    options.add_argument("--agency", required=True)
    options.add_argument("--keys", required=True, type=Path)
    given = options.parse_args()
    console = Console(given.keys)

    context = ssl.create_default_context(cafile=given.identity / "ca.pem")
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(given.identity / "certificate.pem", given.identity / "private_key.pem")
    certificate = x509.load_pem_x509_certificate((given.identity / "certificate.pem").read_bytes())
    name = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value

    # The client id is the name in the certificate, and the session outlives the connection: nothing is missed.
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5, manual_ack=True)
    client.tls_set_context(context)

    def connected(client, _data, _flags, reason, _properties):
        if reason.is_failure:
            sys.exit(f"the broker refuses: {reason}")
        client.subscribe(f"alpr/v1/{given.agency}/+/hit/#", options=SubscribeOptions(qos=1))

    def subscribed(_client, _data, _mid, reasons, _properties):
        if reasons[0].is_failure:
            sys.exit(f"the broker refuses the topic: {reasons[0]}")
        print("listening", flush=True)

    def arrived(client, _data, message):
        console.take(message.payload)
        client.ack(message.mid, message.qos)  # after it was shown, not before

    client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, arrived
    session = Properties(PacketTypes.CONNECT)
    session.SessionExpiryInterval = DAY
    host, _, port = given.broker.rpartition(":")
    client.connect(host, int(port), clean_start=False, properties=session)
    client.loop_forever()


if __name__ == "__main__":
    main()

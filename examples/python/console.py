"""A console: prints every hit, once, with what it is worth, and verifies who said so; and which posts are silent.

Needs paho-mqtt, cryptography and rfc8785, and nothing of Platepost::

    pip install paho-mqtt cryptography rfc8785
    python console.py --broker broker.example:8883 --identity subscribers/dispatch --agency riverside --keys records/

`--identity` is the folder that the department gave you: certificate.pem, private_key.pem, ca.pem. `--keys` is a folder
with each post's public key, POST.pem, and below it `former/` with those of units that were replaced, POST.*.pem.
It knows of earlier hits what it remembers: keep that on disk where a console may be restarted.
"""

import argparse
import base64
import hashlib
import json
import ssl
import sys
import time
from collections import OrderedDict
from datetime import UTC, datetime
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
"""Records, hits and withdrawals: what is older than so many does not come again."""
DAY = 24 * 3600
LATE = 300
"""Seconds after which the vehicle of a hit is elsewhere."""
AHEAD = 300
"""Seconds by which clocks differ that are kept with ordinary care."""


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
    return all(taken(picture) for picture in event["data"].get("pictures", []) if "data" in picture)


def taken(picture):
    """Tell whether the bytes of a picture are those that its signed digest and size name."""
    try:
        content = base64.b64decode(picture["data"], validate=True)
    except ValueError:
        return False
    return len(content) == picture["size"] and hashlib.sha256(content).hexdigest() == picture["sha256"]


def say(line):
    """Print a line, and nothing that a terminal would obey or take for another line."""
    print("".join(character if character.isprintable() else "?" for character in line), flush=True)


class Memory(OrderedDict):
    """What came last; the oldest is forgotten for the newest."""

    def __setitem__(self, name, value):
        super().__setitem__(name, value)
        if len(self) > REMEMBERED:
            self.popitem(last=False)


class Console:
    def __init__(self, keys):
        self.keys = keys
        self.seen, self.hits, self.withdrawn = Memory(), Memory(), Memory()  # by post and identifier
        self.states = {}  # by post: its state, when it said so, and until when that is good
        self.tests = {}  # by post: when its last synthetic hit came, and how often it makes one

    def take(self, topic, payload, *, retained=False):
        """Show a message, whatever it is: one that ended the console would come again, and nothing after it."""
        post = topic.split("/")[3]  # by the broker's rights the only one that writes there; its key has to prove it
        try:
            self.judge(post, json.loads(payload), retained=retained)
        except Exception as error:  # noqa: BLE001
            say(f"NOT SHOWN  {post}: not a record ({type(error).__name__})")

    def judge(self, post, event, *, retained):
        record = post, event["id"]
        if record in self.seen:  # QoS 1: the same record may come again, with the same id
            return
        key, former = self.keys / f"{post}.pem", sorted((self.keys / "former").glob(f"{post}.*.pem"))
        if not key.is_file():
            say(f"NOT SHOWN  {post}: no key of this post here")
            return
        signer = next((file for file in (key, *former) if genuine(event, load_pem_public_key(file.read_bytes()))), None)
        if signer is None:
            say(f"NOT SHOWN  {post}: not signed by this post")
            return
        self.seen[record] = True  # not before: a forged copy must not hide the record itself
        if event["type"] == "platepost.hit.v1":
            self.show(post, event, by_former=signer != key)
        elif event["type"] == "platepost.hit.withdrawn.v1":
            hit = post, event["data"]["hit"]  # with the post: no other withdraws its hits
            self.withdrawn[hit] = True
            say(f"WITHDRAWN  {post}  {self.hits.get(hit, 'a hit not seen here')}")
        elif event["type"] == "platepost.status.v1":
            self.hear(post, event, retained=retained)
        else:
            say(f"NOT SHOWN  {post}: a record of another kind, {event['type']}")

    def hear(self, post, event, *, retained):
        status, said = event["data"], datetime.fromisoformat(event["time"]).timestamp()
        state, before, _ = self.states.get(post, (None, 0, 0))
        if said < before:  # it waited on the post, which has said something newer since
            return
        good_until = float("inf")  # offline, until the post says otherwise
        if "valid_seconds" in status:
            clock = status["clock"]
            made = said - clock.get("held_seconds", 0)
            good_until = (made if retained and clock["synchronised"] else time.time()) + status["valid_seconds"]
        if "last_synthetic" in status:
            heard, _ = self.tests.get(post, (time.time(), 0))
            self.tests[post] = heard, 60 * status["last_synthetic"]["every_minutes"]
        else:  # it makes none, or has just started: then silence says nothing
            self.tests.pop(post, None)
        # Severities sort with the worst first; a post of an older version says none.
        faults = sorted((reason.get("severity", "major"), reason["name"]) for reason in status["reasons"])
        reasons = ", ".join(f"{name} ({severity})" for severity, name in faults)
        new = status["state"] + (f": {reasons}" if reasons else "")
        self.states[post] = new, said, good_until
        if state != new:
            say(f"STATUS     {post}  {new}")

    def look(self):
        """Say which posts have not been heard for longer than what they said is good."""
        for post, (_, said, good_until) in list(self.states.items()):
            if time.time() > good_until:
                self.states[post] = "silent", said, float("inf")
                say(f"SILENT     {post}  silent since {datetime.fromtimestamp(said, UTC):%Y-%m-%d %H:%M} UTC")
        for post, (heard, every) in list(self.tests.items()):
            if every and time.time() - heard > 2 * every:
                self.tests[post] = time.time(), every
                say(f"NO TEST    {post}  its hits may not arrive: no synthetic hit for {2 * every / 60:.0f} min")

    def show(self, post, event, *, by_former):
        hit, name = event["data"], (post, event["data"]["hit"])
        listed = "" if hit["plate_matched"] == hit["plate_read"] else f", list says {hit['plate_matched']}"
        line = f"{hit['plate_read']}  {hit['category']}, {hit['match']}{listed}"
        self.hits[name] = line
        if name in self.withdrawn:  # the withdrawal came first
            say(f"WITHDRAWN  {post}  {line}")
            return
        # By `time`, the best that the post knows: where its clock is certainly wrong, that goes on without the clock.
        age = time.time() - datetime.fromisoformat(event["time"]).timestamp()
        if hit.get("synthetic"):  # made up to show that hits arrive: no one is looked for
            self.tests[post] = time.time(), self.tests.get(post, (0, 0))[1]
            say(f"TEST       {post}  hits arrive: the synthetic hit took {age:.0f} s")
            return
        built = hit["hotlist"].get("age_seconds")
        doubts = {
            "LATE": age > LATE,
            "ITS CLOCK IS UNSURE": not hit["clock"]["synchronised"],
            "ITS CLOCK IS WRONG": "held_seconds" in hit["clock"] or age < -AHEAD,
            "THE LIST IS OLD": hit["hotlist_stale"],
            "HELD FOR A PERSON": hit.get("held", False),
            "ANOTHER STATE BY ITS LOOK": hit["state_agreement"] == "contradicts",
            "SIGNED BY A FORMER UNIT": by_former,
        }
        say(f"UNVERIFIED {post}  {line}" + "".join(f"  {doubt}" for doubt, holds in doubts.items() if holds))
        list_age = "of unknown age" if built is None else f"{built / 3600:.1f} h old"
        when = f"{age / 60:.0f} min ago" if age < DAY else f"at {event['time'][:16].replace('T', ' ')} UTC"
        say(f"           {when}, by a list {list_age}")
        say(f"           {hit['wording']}")


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

    refused = []

    def connected(client, _data, _flags, reason, _properties):
        if reason.is_failure:
            say(f"the broker refuses: {reason}")
        else:
            topics = f"alpr/v1/{given.agency}/+"
            client.subscribe(
                [(f"{topics}/hit/#", SubscribeOptions(qos=1)), (f"{topics}/status", SubscribeOptions(qos=0))]
            )

    def lost(_client, _data, _flags, reason, _properties):
        say(f"NOT LISTENING: {reason}")  # paho tries again, forever, also where it was refused

    def subscribed(_client, _data, _mid, reasons, _properties):
        refused.extend(reason for reason in reasons if reason.is_failure)
        if not refused:
            say("listening")

    def arrived(client, _data, message):
        console.take(message.topic, message.payload, retained=message.retain)
        client.ack(message.mid, message.qos)  # after it was shown, not before

    client.on_connect, client.on_disconnect = connected, lost
    client.on_subscribe, client.on_message = subscribed, arrived
    client.reconnect_delay_set(max_delay=5)
    session = Properties(PacketTypes.CONNECT)
    session.SessionExpiryInterval = DAY
    host, _, port = given.broker.rpartition(":")
    client.connect(host, int(port), clean_start=False, properties=session)
    client.loop_start()
    while not refused:
        time.sleep(1)
        console.look()
    sys.exit(f"the broker refuses the topic: {refused[0]}")


if __name__ == "__main__":
    main()

"""A receiver for a dispatch system (CAD): hears by webhook what a department decided about hits.

    WEBHOOK_SECRET=whsec_... python webhook.py 127.0.0.1:8700
    WEBHOOK_SECRET=whsec_... TLS_CERTIFICATE=cad.pem TLS_KEY=cad.key TLS_CLIENT=riverside.pem \\
        python webhook.py 0.0.0.0:8700                          with plates, by mutual TLS

Each message is proved as Standard Webhooks says, and counts once; of several about one hit the highest number counts.
A receiver with TLS lets in the department of TLS_CLIENT alone, and gets the plate of a hit that officers may act on.
For any other, the hit's identifier leads to what your subscriber heard at the broker. This one keeps what it heard in
memory; a dispatch system keeps it with its incidents. Python alone is needed.
"""

import hmac
import json
import os
import ssl
import sys
import time
from base64 import b64decode
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOLERANCE_SECONDS = 300
LARGEST = 65536
NEWEST: dict[str, int] = {}
"""By hit, the number of the decision that counts."""
WORDS = {
    "actionable": "may be acted upon",
    "rejected": "is none",
    "closed": "is closed",
    "withdrawn": "is TAKEN BACK: stop what was begun on it",
    "reopened": "is OPEN AGAIN: it was rejected by mistake",
}


def proved(secret: str, headers: Message, body: bytes) -> bool:
    """Tell whether a message is the department's, and of now."""
    identifier, stamp, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not stamp.isdecimal() or abs(time.time() - int(stamp)) > TOLERANCE_SECONDS:
        return False
    key = b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{identifier}.{stamp}.".encode() + body, "sha256")
    for each in given.split():
        version, _, signature = each.partition(",")
        try:
            if version == "v1" and hmac.compare_digest(b64decode(signature), digest):
                return True
        except ValueError:  # no base64
            continue
    return False


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 when a message was taken, so that it does not come again."""

    timeout = 10

    def do_POST(self) -> None:
        """Take a message."""
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), LARGEST))
        if not proved(os.environ["WEBHOOK_SECRET"], self.headers, body):
            self.send_error(401)
            return
        message = json.loads(body)
        decision = message["data"]
        if "hit" in decision and decision["number"] > NEWEST.get(decision["hit"], 0):
            if not self.take(decision, message.get("hit")):
                self.send_error(503)
                return
            NEWEST[decision["hit"]] = decision["number"]
        self.send_response(204)
        self.end_headers()

    def take(self, decision: dict[str, Any], hit: dict[str, Any] | None) -> bool:
        """Act on a decision that counts; return whether that worked, or the message has to come again.

        `hit` has the plate, for a receiver with mutual TLS and a decision that officers may act on.
        """
        words = f"{WORDS[decision['decision']]} ({decision['reason']}){(hit and ': ' + hit['line']) or ''}"
        print(f"{decision['time']} {decision['post']}: hit {decision['hit']} {words}", flush=True)
        return True

    def log_message(self, *_: object) -> None:
        """Print nothing of requests."""


def mutual_tls() -> ssl.SSLContext | None:
    """Return how to be known, and to let in the department of TLS_CLIENT alone; None without TLS_CERTIFICATE."""
    if not os.environ.get("TLS_CERTIFICATE"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(os.environ["TLS_CERTIFICATE"], os.environ["TLS_KEY"])
    context.load_verify_locations(os.environ["TLS_CLIENT"])
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def serve(address: str, receiver: type[Receiver]) -> None:
    """Receive at an address, such as 127.0.0.1:8700."""
    host, _, port = address.rpartition(":")
    with ThreadingHTTPServer((host, int(port)), receiver) as server:
        tls = mutual_tls()
        if tls is not None:
            # The handshake is for the thread of each connection: no one else waits for it.
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        print(f"Listening at {'https' if tls else 'http'}://{host}:{server.server_port}/", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], Receiver)

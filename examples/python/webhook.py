"""A receiver for a dispatch system (CAD): hears by webhook what a department decided about hits.

    WEBHOOK_SECRET=whsec_... python webhook.py 127.0.0.1:8700

Each message is proved as Standard Webhooks says, and counts once; of several about one hit the highest number counts.
What a hit says, its plate too, your subscriber hears at the broker: the hit's identifier leads to it. This one keeps
what it heard in memory; a dispatch system keeps it with its incidents. Python alone is needed.
"""

import hmac
import json
import os
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
        decision = json.loads(body)["data"]
        if decision["number"] > NEWEST.get(decision["hit"], 0):
            if not self.take(decision):
                self.send_error(503)
                return
            NEWEST[decision["hit"]] = decision["number"]
        self.send_response(204)
        self.end_headers()

    def take(self, decision: dict[str, Any]) -> bool:
        """Act on a decision that counts; return whether that worked, or the message has to come again."""
        words = f"{WORDS[decision['decision']]} ({decision['reason']})"
        print(f"{decision['time']} {decision['post']}: hit {decision['hit']} {words}", flush=True)
        return True

    def log_message(self, *_: object) -> None:
        """Print nothing of requests."""


def serve(address: str, receiver: type[Receiver]) -> None:
    """Receive at an address, such as 127.0.0.1:8700."""
    host, _, port = address.rpartition(":")
    with ThreadingHTTPServer((host, int(port)), receiver) as server:
        print(f"Listening at http://{host}:{server.server_port}/", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], Receiver)

"""A receiver that alerts officers by e-mail, or by SMS through a gateway, of what a department decided about hits.

    WEBHOOK_SECRET=whsec_... SMTP_SERVER=mail.city.example:25 MAIL_FROM=hits@city.example \\
        MAIL_TO=patrol@city.example,6505550100@sms.example python notify.py 127.0.0.1:8701

It alerts of hits that may be acted upon, are withdrawn, or are open again; with `NOTIFY=rejected`, of rejections alone,
for a supervisor. Mail and SMS are not encrypted, so a message has no plate: it leads to the console, where each look is
logged. A message that the mail server does not take is answered 503, so the department sends it again. It needs
`webhook.py` beside it, and Python alone.
"""

import os
import smtplib
import sys
from email.message import EmailMessage
from typing import Any

from webhook import Receiver, serve

ALERTS = {
    "actionable": "HIT: officers may act. See the console, or call dispatch, before you do.",
    "withdrawn": "HIT WITHDRAWN: do not act. Stop what was begun on it.",
    "reopened": "HIT OPEN AGAIN: it was rejected by mistake, and is not verified.",
}
REVIEWS = {"rejected": "HIT REJECTED: check it on the page of rejections."}


def send(text: str) -> None:
    """Send a message to all. Raises OSError and SMTPException: someone may not have got it."""
    message = EmailMessage()
    message["Subject"] = "Platepost"
    message["From"], message["To"] = os.environ["MAIL_FROM"], os.environ["MAIL_TO"]
    message.set_content(text)
    host, _, port = os.environ["SMTP_SERVER"].rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=8) as server:
        if os.environ.get("SMTP_TLS") == "1":
            server.starttls()
        refused = server.send_message(message)
    if refused:
        raise smtplib.SMTPRecipientsRefused(refused)


class Notifier(Receiver):
    """Answers 204 once the mail server has the message."""

    def take(self, decision: dict[str, Any], hit: dict[str, Any] | None) -> bool:
        """Send a message of it, if it is one to alert of; never the hit's plate."""
        del hit
        text = (REVIEWS if os.environ.get("NOTIFY") == "rejected" else ALERTS).get(decision["decision"])
        if text:
            try:
                send(f"{text}\nPost {decision['post']}, {decision['time']}\nHit {decision['hit']}")
            except (OSError, smtplib.SMTPException):
                return False
        return True


if __name__ == "__main__":
    serve(sys.argv[1], Notifier)

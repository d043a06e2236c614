"""The reason codes that brokers answer with, and what each means to the post.

A reason's name is that of the MQTT 5 specification (table 2-6) in lower case with underscores: `not_authorized`.
"""

from paho.mqtt.reasoncodes import ReasonCode

from platepost.common.language import Phrase

NOBODY = "no_matching_subscribers"
"""The broker took the record and had no one to give it to."""
TOO_LARGE = "packet_too_large"
UNANSWERED = "no_acknowledgment"
"""The broker takes records and acknowledges none, as a cluster that lacks its majority."""
ELSEWHERE = frozenset({"use_another_server", "server_moved"})
"""The broker sends the post to another one, which it may name."""

WHOLE_BROKER = frozenset({"quota_exceeded", "server_busy", "message_rate_too_high", "administrative_action"})
"""Of a publication: reasons that speak of the broker, not of the topic."""

TOPIC = frozenset({"not_authorized", "topic_name_invalid", "payload_format_invalid"})
"""Of a connection's end with a record under way: reasons that speak of its topic."""

SUSPICIOUS = frozenset(
    {
        "connection_lost",
        "unspecified_error",
        "malformed_packet",
        "protocol_error",
        "implementation_specific_error",
    }
)
"""Of a connection's end: reasons that may be due to the record under way, or not."""

PATIENCE = ELSEWHERE | frozenset(
    {
        # Only a person can change these.
        "not_authorized",
        "bad_user_name_or_password",
        "bad_authentication_method",
        "banned",
        "client_identifier_not_valid",
        "unsupported_protocol_version",
        "retain_not_supported",
        "qos_not_supported",
        # Another client has the post's name: the one that insists throws out the other, forever.
        "session_taken_over",
        # The broker asks to be spared.
        "server_unavailable",
        "server_busy",
        "quota_exceeded",
        "connection_rate_exceeded",
        "message_rate_too_high",
        "administrative_action",
        "maximum_connect_time",
        TOO_LARGE,
        UNANSWERED,
    }
)
"""Of a connection refused or ended: reasons to leave this broker alone for longer than a lost connection would."""


PROBLEMS = {
    "broker_certificate_expired": Phrase("the broker's certificate has expired: is this unit's clock right?"),
    "broker_certificate_not_yet_valid": Phrase(
        "the broker's certificate is not valid yet: is this unit's clock right?"
    ),
    "broker_certificate_of_another_name": Phrase("the broker's certificate is for another name"),
    "broker_certificate_refused": Phrase("the broker's certificate is not from the department"),
    "client_certificate_expired": Phrase("the post's certificate has expired"),
    "client_certificate_refused": Phrase("the broker refuses the post's certificate"),
    "client_certificate_revoked": Phrase("the post's certificate was revoked"),
    "closed_before_answer": Phrase("the broker closed the connection"),
    "connection_refused": Phrase("the machine answers, but no broker listens there"),
    "identity_unreadable": Phrase("the post's certificate or key cannot be read"),
    "name_unresolved": Phrase("its name cannot be found: is the network there?"),
    "no_acknowledgment": Phrase("the broker acknowledges no record: ask the broker's administrator"),
    "timeout": Phrase("it does not answer: is the network there?"),
    "tls_failed": Phrase("the encrypted connection (TLS) failed"),
    "tls_version_refused": Phrase("the broker has no TLS 1.3"),
    "unreachable": Phrase("it cannot be reached: is the network there?"),
}
"""By the names of `platepost.wire.tls`."""


def reason_name(reason: ReasonCode) -> str:
    """Return an MQTT 5 reason code's name as a slug: `Not authorized` -> `not_authorized`."""
    return "_".join(reason.getName().lower().replace("-", " ").split())


def in_words(problem: str) -> Phrase:
    """Say a problem in words, with its name; one that has no words as it is."""
    text = PROBLEMS.get(problem)
    return Phrase(problem) if text is None else Phrase("{said} ({name})", said=text, name=problem)

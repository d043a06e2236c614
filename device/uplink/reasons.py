"""The reason codes that brokers answer with, and what each means to the post.

A reason's name is that of the MQTT 5 specification (table 2-6) in lower case with underscores: `not_authorized`.
"""

from paho.mqtt.reasoncodes import ReasonCode

NOBODY = "no_matching_subscribers"
"""The broker took the record and had nobody to give it to."""
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


def reason_name(reason: ReasonCode) -> str:
    """Return an MQTT 5 reason code's name as a slug: `Not authorized` -> `not_authorized`."""
    return "_".join(reason.getName().lower().replace("-", " ").split())

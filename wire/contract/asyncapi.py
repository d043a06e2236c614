"""The AsyncAPI 3 document: which record travels on which topic, and how."""

from typing import Any

from platepost.wire.contract import received
from platepost.wire.records.command import Command
from platepost.wire.records.envelope import CONTENT_TYPE
from platepost.wire.records.keys import Purpose
from platepost.wire.records.topics import ROOT

CHANNELS: dict[str, dict[str, Any]] = {
    "read": {
        "address": "read",
        "kinds": ["read"],
        "title": "Reads",
        "description": "Every passage, once, when it ends.",
    },
    "hit": {
        "address": "hit/{category}",
        "kinds": ["hit", "hit.withdrawn"],
        "title": "Hits and their withdrawals",
        "description": (
            "A possible match with the hot list, always unverified, and its withdrawal on the same topic. Never "
            "retained; the message expires with the event's `expirytime`, but not before an hour at the broker."
        ),
    },
    "covert": {
        "address": "covert/{group}",
        "kinds": ["hit", "hit.withdrawn"],
        "title": "Hits of covert entries",
        "description": (
            "Hits of entries of one distribution group, and their withdrawals: on this topic only, readable only by "
            "the group, in the group's own chain. No read, status, or audit record mentions them."
        ),
    },
    "status": {
        "address": "status",
        "kinds": ["status"],
        "retain": True,
        "title": "State of the post",
        "description": (
            "A changed state is part of the chain. In between the post repeats it outside the chain, at QoS 0, with a "
            "message expiry: a status older than `valid_seconds` is no longer valid. `offline` is part of the chain "
            "when the post stopped normally. As the will, signed when the connection began and published by the "
            "broker when it was lost, it is outside. Outside the chain there is no chain, sequence, or previous."
        ),
    },
    "audit": {
        "address": "audit",
        "kinds": ["audit"],
        "title": "Audit trail",
        "description": "What people and the post did: what, when, where, source, outcome, identity.",
    },
    "health": {
        "address": "health",
        "kinds": ["health"],
        "qos": 0,
        "title": "Vital signs",
        "description": "Once a minute, signed, outside the chain and never stored: a lost message leaves no gap.",
    },
    "response": {
        "address": "response/{operator}",
        "kinds": ["response"],
        "title": "Answers to commands",
        "description": "To the operator who asked, who alone may read it; signed, outside the chain, never stored.",
    },
}

TITLES = {
    "read": "A passage was read",
    "hit": "A possible match with the hot list",
    "hit.withdrawn": "A hit is withdrawn",
    "status": "State of the post",
    "audit": "An event of the audit trail",
    "health": "Vital signs",
    "response": "An answer to a command",
}


def asyncapi(examples: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the document; `examples` are events, by names of their own."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Platepost",
            "version": "1.0.0",
            "description": (
                "What a post publishes to its department's broker: CloudEvents 1.0, structured mode, over MQTT 5 and "
                "mutual TLS 1.3. Records are numbered, chained by hash, and signed; README.md next to this file "
                "explains how to verify them. Deliveries may repeat (QoS 1) with the same `id`. Hits overtake reads: "
                "sort by `sequence`."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "department": {
                "host": "broker.example:8883",
                "protocol": "secure-mqtt",
                "protocolVersion": "5",
                "description": "The department's broker. Client certificates are required; rights follow from them.",
                "security": [{"$ref": "#/components/securitySchemes/certificate"}],
            }
        },
        "channels": {name: _channel(channel) for name, channel in CHANNELS.items()}
        | {name: _hotlist(name) for name in HOTLIST}
        | received.channels(),
        "operations": {f"send_{name}": _operation(name, channel) for name, channel in CHANNELS.items()}
        | {
            f"receive_{name}": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{name}"},
                "summary": f"A post takes its agency's {what}.",
                "bindings": {"mqtt": {"qos": 1, "retain": True, "bindingVersion": "0.2.0"}},
            }
            for name, (_, _, what) in HOTLIST.items()
        }
        | received.operations(),
        "components": {
            "messages": {_key(kind): _message(kind, examples) for kind in TITLES}
            | {"package": _package()}
            | received.messages(),
            "parameters": {
                "agency": {"description": "Name of the agency, as in its certificates."},
                "post": {"description": "Name of the post: the common name of its client certificate."},
                "category": {
                    "description": "Category of the list's entry in lower case, other characters as underscores.",
                    "examples": ["stolen_vehicle", "felony"],
                },
                "group": {"description": "Distribution group of a covert entry."},
                "command": {"description": "The command.", "enum": [command.value for command in Command]},
                "purpose": {"description": "What the keys sign.", "enum": [purpose.value for purpose in Purpose]},
                "custodian": {"description": "The archive service: the common name of its client certificate."},
                "operator": {"description": "Who asked: the common name of a certificate of the fleet."},
            },
            "securitySchemes": {
                "certificate": {"type": "X509", "description": "Mutual TLS 1.3; the common name is the user's name."}
            },
        },
    }


def _channel(channel: dict[str, Any]) -> dict[str, Any]:
    address = f"{ROOT}/{{agency}}/{{post}}/{channel['address']}"
    names = [name for name in ("agency", "post", "category", "group", "operator") if f"{{{name}}}" in address]
    return {
        "address": address,
        "title": channel["title"],
        "description": channel["description"],
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in names},
        "messages": {_key(kind): {"$ref": f"#/components/messages/{_key(kind)}"} for kind in channel["kinds"]},
    }


def _operation(name: str, channel: dict[str, Any]) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": channel["title"],
        "bindings": {
            "mqtt": {"qos": channel.get("qos", 1), "retain": channel.get("retain", False), "bindingVersion": "0.2.0"}
        },
    }


def _message(kind: str, examples: dict[str, dict[str, Any]]) -> dict[str, Any]:
    shown = {name: event for name, event in examples.items() if event["type"] == f"platepost.{kind}.v1"}
    return {
        "name": f"platepost.{kind}.v1",
        "title": TITLES[kind],
        "contentType": CONTENT_TYPE,
        "payload": {"$ref": f"./{kind}.schema.json"},
        "examples": [{"name": name, "payload": event} for name, event in shown.items()],
    }


HOTLIST = {
    "hotlist": ("package", "Hot list", "complete hot list, or the index of its parts"),
    "hotlist_delta": ("delta", "Changes to the hot list", "newest delta to it, or the index of its parts"),
    "hotlist_keys": ("keys/{recipient}", "Keys of the hot list", "message with the keys of epochs for one post"),
    "hotlist_part": ("{list}/{number}", "Part of a hot list", "parts of either, numbered from 0"),
}


def _hotlist(name: str) -> dict[str, Any]:
    topic, title, what = HOTLIST[name]
    own: dict[str, dict[str, dict[str, Any]]] = {
        "hotlist_keys": {"recipient": {"description": "RFC 7638 thumbprint of the post's key."}},
        "hotlist_part": {
            "list": {"description": "What it is a part of.", "enum": ["package", "delta"]},
            "number": {"description": "Number of the part, from 0."},
        },
    }
    return {
        "address": f"{ROOT}/{{agency}}/hotlist/{topic}",
        "title": title,
        "description": f"The agency's signed and encrypted {what}; see docs/hotlist-package.md.",
        "parameters": {"agency": {"$ref": "#/components/parameters/agency"}} | own.get(name, {}),
        "messages": {"package": {"$ref": "#/components/messages/package"}},
    }


def _package() -> dict[str, Any]:
    return {
        "name": "hotlist.package",
        "title": "Signed, encrypted hot-list package",
        "contentType": "application/octet-stream",
        "payload": {"type": "string", "format": "binary"},
    }


def _key(kind: str) -> str:
    return kind.replace(".", "_")

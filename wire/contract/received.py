"""The contract of what posts and subscribers receive signed: schemas and examples of the payloads, AsyncAPI parts."""

import hashlib
from datetime import timedelta
from typing import Any

from platepost.wire.contract.examples import BEGAN, LIST_KEYS, SOURCE, identifiers
from platepost.wire.records.base import WireModel
from platepost.wire.records.command import COMMAND_TYPE, CommandRequest
from platepost.wire.records.configuration import CONFIGURATION_TYPE, DesiredConfiguration
from platepost.wire.records.decision import DECISION_TYPE, Decision
from platepost.wire.records.keys import KEYS_TYPE, FormerKey, KeyStatement, Purpose, SigningKey
from platepost.wire.records.ledger_head import LEDGER_HEAD_TYPE, LedgerHead
from platepost.wire.records.receipt import RECEIPT_TYPE, KeptRange, Receipt
from platepost.wire.records.topics import DECISIONS, KEYS, LEDGER, ROOT

MEDIA_TYPE = "application/jose"

PAYLOADS: dict[str, type[WireModel]] = {
    "command": CommandRequest,
    "configuration": DesiredConfiguration,
    "keys": KeyStatement,
    "receipt": Receipt,
    "ledger": LedgerHead,
    "decision": Decision,
}
"""What is signed, by the name of its files."""

ADDRESSES = {
    "command": "{post}/command/{command}",
    "configuration": "{post}/configuration",
    "keys": f"{KEYS}/{{purpose}}",
    "receipt": "{post}/receipt/{custodian}",
    "ledger": f"{LEDGER}/{{custodian}}",
    "decision": f"{DECISIONS}/{{custodian}}",
}
TITLES = {
    "command": "Commands",
    "configuration": "Desired configuration",
    "keys": "The department's signing keys",
    "receipt": "Receipts of a custodian",
    "ledger": "Checkpoints of an archive service's access log",
    "decision": "What people decided about hits",
}
RETAINED = frozenset({"configuration", "keys", "ledger"})
DESCRIPTIONS = {
    "command": (
        f"A compact JWS, ES256, `typ` {COMMAND_TYPE}, with the sender's certificate in `x5c`. Never retained. The "
        "answer goes only to `response/{operator}` of the post, with the correlation data of the request."
    ),
    "configuration": (
        f"A compact JWS, ES256, `typ` {CONFIGURATION_TYPE}, signed with the fleet's configuration key. The post's "
        "status reports the result in `configuration`."
    ),
    "keys": (
        f"Lines of compact JWS, ES256, `typ` {KEYS_TYPE}, for all posts of the agency: each is a statement signed by "
        "the key before it, by the root, or again by the new key. A post follows them from the key that it has; its "
        "status reports the result in `keys`. Statements about a custodian's keys are on `keys/custody/{custodian}`."
    ),
    "receipt": (
        f"A compact JWS, ES256, `typ` {RECEIPT_TYPE}, by the custodian's own key, whose thumbprint is in `kid`. Never "
        "retained: a receipt states what is held now, and any duplicate of a record is answered with the current one. "
        "A record leaves a post only when a broker has acknowledged it and a receipt of each required custodian covers "
        "it, with the digest that the post has for the range's last record."
    ),
    "ledger": (
        f"A compact JWS, ES256, `typ` {LEDGER_HEAD_TYPE}, by the custodian's own key, whose thumbprint is in `kid`. "
        "No post reads it. Anyone who keeps them all can detect later that the access log was cut or replaced: "
        "docs/ledger.md."
    ),
    "decision": (
        f"A compact JWS, ES256, `typ` {DECISION_TYPE}, by the custodian's own key, whose thumbprint is in `kid`; never "
        "retained. It is delivered at least once, after it was stored, and has the hit's id, but no plate and no "
        "person. No post reads it. Decisions about covert hits are on `decision/{custodian}/{group}`, for the group."
    ),
}


def example_payloads() -> dict[str, dict[str, Any]]:
    """Return an invented payload of each."""
    identify = identifiers()
    request = CommandRequest(
        id=next(identify),
        agency=SOURCE.agency,
        post=SOURCE.post,
        command="still",
        asked_by="r-alvarez",
        issued=BEGAN,
        purpose="Work order 7731: aim after the pole was hit",
        boot=next(identify),
    )
    desired = DesiredConfiguration(
        version=12,
        agency=SOURCE.agency,
        post=SOURCE.post,
        issued=BEGAN,
        expires=BEGAN + timedelta(days=7),
        who="j-stone",
        settings={"vision": {"minimum_confidence": 0.4}, "passages": {"repeat_seconds": 20}},
    )
    former, present = LIST_KEYS
    keys = KeyStatement(
        purpose=Purpose.LISTS,
        agency=SOURCE.agency,
        era=0,
        number=3,
        issued=BEGAN,
        who="j-stone",
        key=SigningKey(thumbprint=present.kid, public_key=present.public_pem.decode()),
        former=(FormerKey(thumbprint=former.kid, public_key=former.public_pem.decode()),),
        withdrawn="retired",
    )
    receipt = Receipt(
        agency=SOURCE.agency,
        post=SOURCE.post,
        custodian="records",
        epoch=1,
        number=4711,
        time=BEGAN,
        chain=next(identify),
        ranges=(
            KeptRange(first=1, last=1200, digest=hashlib.sha256(b"record 1200").hexdigest()),
            KeptRange(first=1202, last=1260, digest=hashlib.sha256(b"record 1260").hexdigest()),
        ),
    )
    head = LedgerHead(
        agency=SOURCE.agency,
        custodian="records",
        number=1042,
        digest=hashlib.sha256(b"entry 1042").hexdigest(),
        time=BEGAN,
        entered=BEGAN,
        root=hashlib.sha256(b"entries").hexdigest(),
        records=73_911,
        records_root=hashlib.sha256(b"records").hexdigest(),
        previous=(1041, 73_911),
        proof=(hashlib.sha256(b"left").hexdigest(), hashlib.sha256(b"right").hexdigest()),
        records_proof=(),
    )
    decision = Decision(
        agency=SOURCE.agency,
        post=SOURCE.post,
        custodian="records",
        hit=next(identify),
        number=3,
        time=BEGAN,
        decision="actionable",
        reason="active",
    )
    return {
        "decision": decision.wire(),
        "ledger": head.wire(),
        "command": request.wire(),
        "configuration": desired.wire(),
        "keys": keys.wire(),
        "receipt": receipt.wire(),
    }


def channels() -> dict[str, Any]:
    """Return the AsyncAPI channels."""
    made: dict[str, Any] = {}
    for name, address in ADDRESSES.items():
        parameters = [
            "agency",
            *(parameter for parameter in ("post", "command", "purpose", "custodian") if f"{{{parameter}}}" in address),
        ]
        made[name] = {
            "address": f"{ROOT}/{{agency}}/{address}",
            "title": TITLES[name],
            "description": DESCRIPTIONS[name],
            "parameters": {parameter: {"$ref": f"#/components/parameters/{parameter}"} for parameter in parameters},
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        }
    return made


def operations() -> dict[str, Any]:
    """Return the AsyncAPI operations."""
    made: dict[str, Any] = {
        f"receive_{name}": {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{name}"},
            "summary": TITLES[name],
            "bindings": {"mqtt": {"qos": 1, "retain": name in RETAINED, "bindingVersion": "0.2.0"}},
        }
        for name in ADDRESSES
    }
    made["receive_command"]["reply"] = {"channel": {"$ref": "#/channels/response"}}
    return made


def messages() -> dict[str, Any]:
    """Return the AsyncAPI messages; the schema is that of what the JWS carries."""
    return {
        name: {
            "name": f"platepost.{name}.v1",
            "title": TITLES[name],
            "contentType": MEDIA_TYPE,
            "payload": {
                "type": "string",
                "contentMediaType": MEDIA_TYPE,
                "contentSchema": {"$ref": f"./{name}.schema.json"},
            },
        }
        for name in ADDRESSES
    }

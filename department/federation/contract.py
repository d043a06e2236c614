"""The contract of the federation protocol in docs/contract/federation: schemas, and one exchange to test against.

`python -m platepost.department.federation.contract` writes both. docs/contract/federation.md has the rules.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel

from platepost.department.federation.exchange import (
    DEMAND_TYPE,
    QUERY_TYPE,
    RECEIPT_TYPE,
    CaseDemand,
    FederatedFindings,
    FederatedPlate,
    FederatedQuery,
    FederatedReceipt,
    OpenedCase,
    PartnerReply,
    PlateRequest,
    case_commitment,
    text_digest,
)
from platepost.wire.contract.examples import ExampleSigner
from platepost.wire.contract.schema import WireSchema

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "contract" / "federation"
MESSAGES: dict[str, type[BaseModel]] = {
    "query": FederatedQuery,
    "reply": PartnerReply,
    "receipt": FederatedReceipt,
    "findings": FederatedFindings,
    "demand": CaseDemand,
    "case": OpenedCase,
}
"""The messages, by the name of their schema's file."""
ASKING, ANSWERING = "oakdale-pd", "riverside-pd"
_ASKED_AT = datetime(2026, 10, 1, 16, 30, 5, 120000, tzinfo=UTC)
_SALT = bytes(range(16))
_CASE = "26-00417"


def schema(name: str) -> dict[str, object]:
    """Return the JSON Schema of one of `MESSAGES`."""
    schema = MESSAGES[name].model_json_schema(mode="serialization", schema_generator=WireSchema)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:platepost:federation-{name}:v1",
        "title": f"platepost.federation.{name}.v1",
    }
    return head | {member: value for member, value in schema.items() if member not in head}


def exchange() -> dict[str, str]:
    """Return one exchange between two invented departments, each message as it is on the wire."""
    asking, answering = ExampleSigner(b"platepost example, oakdale"), ExampleSigner(b"platepost example, riverside")
    query = FederatedQuery(
        id=UUID("8f14e45f-ceea-4672-9a4d-1b8c8d3f0a11"),
        agency=ASKING,
        to=ANSWERING,
        time=_ASKED_AT,
        person="b.stone",
        purpose="stolen vehicle",
        exigent=False,
        reason="robbery on Main Street",
        case=case_commitment(_SALT, _CASE),
        policy="5e" * 32,
        asked=PlateRequest(plate="TEST12?"),
    )
    signed_query = asking.compact(_text(query), typ=QUERY_TYPE)
    seen = datetime(2026, 9, 30, 23, 10, tzinfo=UTC)
    plate = FederatedPlate(plate="TEST123", spelled="TEST123", count=1, first_seen=seen, last_seen=seen)
    findings = _text(FederatedFindings(plates=(plate,))).decode()
    receipt = FederatedReceipt(
        agency=ANSWERING,
        time=_ASKED_AT.replace(second=6),
        query=signed_query,
        decision="answered",
        why="",
        found=text_digest(findings),
        count=1,
        law="california",
        policy="a1" * 32,
        kept_days={"hit": 365, "no_hit": 60},
    )
    demand = CaseDemand(
        id=UUID("45c48cce-2e2d-4fbd-8b1a-3f4e5d6c7b8a"),
        agency=ANSWERING,
        to=ASKING,
        time=_ASKED_AT.replace(minute=45),
        person="r.manager",
        exchange=query.id,
        because="yearly audit",
    )
    return {
        "asking_key": asking.public_pem.decode(),
        "answering_key": answering.public_pem.decode(),
        "query": signed_query,
        "receipt": answering.compact(_text(receipt), typ=RECEIPT_TYPE),
        "findings": findings,
        "demand": answering.compact(_text(demand), typ=DEMAND_TYPE),
        "case": OpenedCase(case=_CASE, salt=_SALT.hex()).model_dump_json(),
    }


def files() -> dict[str, str]:
    """Return the files by name."""
    texts = {f"{name}.schema.json": schema(name) for name in MESSAGES} | {"exchange.json": exchange()}
    return {name: json.dumps(value, indent=2, ensure_ascii=False) + "\n" for name, value in texts.items()}


def _text(message: BaseModel) -> bytes:
    return message.model_dump_json(exclude_none=True).encode()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")

"""This department, springfield, and a partner of it, oakdale-pd, whose messages a test makes."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from pytest_django.fixtures import Settings

from platepost.department.federation import answering
from platepost.department.federation.exchange import QUERY_TYPE, FederatedQuery, PlateRequest, signed
from platepost.department.federation.identity import FederationIdentity
from platepost.department.federation.models import PartnerDepartment
from platepost.department.federation.partners import name_partner
from platepost.department.people.models import DepartmentPerson
from platepost.department.policy.law import LAWS
from tests.department.emptying import empty
from tests.department.law import establish
from tests.department.search.conftest import Stock, stock, superuser
from tests.department.sharing.conftest import AGENCIES, agreed_with, people

__all__ = ["people", "stock", "superuser"]
FEDERATION = ("federation_exchange", "federation_partner")
PURPOSE = "stolen vehicle"
PLATES = ["TEST123", "TEST124", *(f"7ABC{number:03}" for number in range(30))]
SEEN = {"region": "US-CA", "vehicle": "car", "color": "white gray"}
STOCK = [
    {"plate": PLATES[0], **SEEN},
    *({"plate": plate} for plate in PLATES[1:]),
    {"plate": "TEST129", "covert_group": "narcotics"},
]


class Oakdale:
    """The partner as it appears to this department."""

    name = "oakdale-pd"

    def __init__(self, folder: Path) -> None:
        self.identity = FederationIdentity(self.name, folder)
        self.identity.make(["localhost", "127.0.0.1"])

    @property
    def peer(self) -> bytes:
        return PartnerDepartment.objects.get(pk=self.name).shown

    def query(self, **more: Any) -> FederatedQuery:
        fields = {
            "id": uuid4(), "agency": self.name, "to": "springfield", "time": datetime.now(UTC), "person": "b.stone",
            "purpose": PURPOSE, "reason": "robbery", "exigent": False, "case": "ab" * 32, "policy": "00" * 32,
            "asked": PlateRequest(plate="TEST12?"),
        }  # fmt: skip
        return FederatedQuery(**fields | more)

    def sign(self, query: FederatedQuery, typ: str = QUERY_TYPE) -> bytes:
        return signed(query, self.identity.key, typ).encode()

    def sent(self, **more: Any) -> bytes:
        return self.sign(self.query(**more))


@pytest.fixture
def oakdale(
    superuser: psycopg.Connection,
    stock: Stock,
    people: dict[str, DepartmentPerson],
    settings: Settings,
    tmp_path: Path,
) -> Oakdale:
    """Name the partner, agree with it about queries, and keep some reads, one of a covert group."""
    superuser.execute("DELETE FROM federation_exchange")
    empty(superuser, *FEDERATION, *AGENCIES)
    answering._noted.clear()
    settings.AGENCY, settings.FEDERATION = "springfield", tmp_path / "federation"
    FederationIdentity("springfield", settings.FEDERATION).make(["localhost"])
    establish(LAWS["california"])
    created = Oakdale(tmp_path / "oakdale")
    agreed_with(created.name, scope=["query"], per_hour=20)
    name_partner(created.name, "https://localhost:1", created.identity.certificate.read_text(), person="r.manager")
    stock(STOCK)
    return created

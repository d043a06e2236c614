"""A department with hits that its keeper kept, people who answer them, and what each may see."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import connection

from department.alerts.actions import AlertActor, EyeAnswers
from department.alerts.alerts import Alert, alert_of
from department.alerts.shift import acknowledge, shift_start
from department.alerts.states import CharacterAnswer, EyeAnswer
from department.custody.store import CustodyStore
from department.database.cluster import SUPERUSER, PrivateCluster
from department.database.roles import KEEPER, WEB, as_role
from department.ledger.entries import OpenEntry, open_entry
from department.people.rights import DepartmentRole
from department.policy.policy import AccessPurpose
from device.records import Envelope, Keyring
from tests.department.custody.posts import SIGNER, Post, deliveries
from tests.department.people.persons import made_person

PLATE = "7ABC123"


@dataclass
class Dispatch:
    """A department under test: the keeper takes what the post makes, people act as the pages do."""

    store: CustodyStore
    where: str
    post: Post = field(default_factory=lambda: Post(now=datetime.now(UTC)))
    made: int = 0

    def keep(self, *records: Envelope) -> None:
        self.store.keep(deliveries(*records))

    def alert(self, group: str | None = None, **members: Any) -> Alert:  # noqa: ANN401 - any member of a hit
        """Have the keeper keep a hit; return the alert."""
        self.made += 1
        hit = f"01890a5d-ac96-774b-bcce-{self.made:012x}"
        now = self.post.now
        self.keep(self.post.hit(group, **{"hit": hit, "captured": now, **members}))
        ((record_id,),) = self.asked("SELECT max(record_id) FROM alerts_alert WHERE hit = %s", hit)
        found = alert_of(record_id, self.opened(group) if group else None)
        assert found is not None
        return found

    def person(self, login: str, role: DepartmentRole = DepartmentRole.DISPATCHER, *, begun: bool = True) -> AlertActor:
        """Return somebody who has begun a shift."""
        person = made_person(login, role)
        if begun:
            with as_role(WEB):
                acknowledge(person, shift_start())
        return AlertActor(person)

    def opened(self, *groups: str | None) -> OpenEntry:
        named = [group for group in groups if group]
        return open_entry(person="x", agency="x", purpose=AccessPurpose("patrol"), query={}, groups=named)

    def asked(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask as a superuser: what is there, whoever sees it."""
        with psycopg.connect(self.where, user=SUPERUSER, autocommit=True) as superuser:
            return superuser.execute(query, values).fetchall()  # type: ignore[call-overload,no-any-return]

    def again(self, alert: Alert) -> Alert:
        """Return an alert as it is now."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        found = alert_of(alert.record_id)
        assert found is not None
        return found


def same(plate: str = PLATE, **answers: Any) -> EyeAnswers:  # noqa: ANN401
    """Return the answers of somebody who sees what is listed."""
    characters = answers.pop("characters", [CharacterAnswer.SAME] * len(plate))
    return EyeAnswers(characters, **{"state": EyeAnswer.SAME, "vehicle": EyeAnswer.SAME, **answers})


@pytest.fixture
def dispatch(cluster: PrivateCluster, transactional_db: None) -> Iterator[Dispatch]:
    where = f"host={cluster.folder} dbname={connection.settings_dict['NAME']}"
    keyring = Keyring.from_pem(SIGNER.public_pem)
    store = CustodyStore(f"{where} user={KEEPER} application_name=records", keys=lambda _: keyring)
    yield Dispatch(store, where)
    store.close()
    with psycopg.connect(where, user=SUPERUSER, autocommit=True) as superuser:
        superuser.execute(
            "DO $$ BEGIN EXECUTE 'TRUNCATE alerts_alert, alerts_step, alerts_decision, alerts_acknowledgment,"
            " custody_holding, custody_tally, ' || (SELECT string_agg(table_name, ', ') FROM custody_parted); END $$"
        )

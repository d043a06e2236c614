"""A department with hits that its keeper kept, people who answer them, and what each may see."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psycopg
import pytest
from django.db import connection

from platepost.department.alerts.actions import AlertActor, EyeAnswers
from platepost.department.alerts.alerts import Alert, alert_of
from platepost.department.alerts.shift import acknowledge, shift_start
from platepost.department.alerts.states import CharacterAnswer, EyeAnswer
from platepost.department.alerts.webhooks import add_webhook
from platepost.department.custody.store import CustodyStore
from platepost.department.database.cluster import SUPERUSER, PrivateCluster
from platepost.department.database.roles import COMMAND, KEEPER, OWNER
from platepost.department.federation.identity import FederationIdentity
from platepost.department.ledger.entries import OpenEntry, open_entry
from platepost.department.people.rights import DepartmentRole
from platepost.department.policy.policy import AccessPurpose
from platepost.wire.contract.examples import CLOCK
from platepost.wire.records import Envelope, Keyring
from platepost.wire.records.hit import HitWithdrawn
from tests.department.alerts.receivers import AGREED, Oakdale
from tests.department.custody.posts import PASSAGE, SIGNER, Post, deliveries
from tests.department.emptying import empty, empty_custody, empty_ledger
from tests.department.lasting import Lasting
from tests.department.people.persons import new_person
from tests.department.planting import RECORD
from tests.department.roles import as_role
from tests.department.sharing.conftest import AGENCIES

PLATE = "7ABC123"


@dataclass
class Dispatch:
    """A department under test: the keeper takes what the post makes, people act as the pages do."""

    store: CustodyStore
    where: str
    superuser: psycopg.Connection
    post: Post = field(default_factory=lambda: Post(now=datetime.now(UTC)))
    plate: str = PLATE
    """Of its hits."""
    count: int = 0

    def keep(self, *records: Envelope) -> None:
        self.store.keep(deliveries(*records))

    def alert(self, group: str | None = None, **members: Any) -> Alert:
        """Have the keeper keep a hit; return the alert."""
        self.count += 1
        hit = members.setdefault("hit", f"01890a5d-ac96-774b-bcce-{self.count:012x}")
        self.keep(self.post.hit(group, **{"captured": self.post.now, **members}))
        ((record_id,),) = self.asked("SELECT max(record_id) FROM alerts_alert WHERE hit = %s", hit)
        alert = alert_of(record_id, self.opened(group) if group else None)
        assert alert is not None
        return alert

    @property
    def ahead(self) -> str:
        """A hit that has not come."""
        return "01890a5d-ac96-774b-bcce-ffffffffffff"

    def withdraw(self, hit: str, reason: Literal["text_changed", "not_listed"] = "text_changed") -> None:
        """Have the post withdraw a hit."""
        seen = {"plate_read": "7A8C123", "plate_key": "7A8C123", "category": "stolen_vehicle", "passage": PASSAGE}
        self.keep(self.post.recorder.record(HitWithdrawn(clock=CLOCK, hit=hit, reason=reason, **seen)))

    def refute(self, alert: Alert) -> None:
        """Have the keeper judge a hit again, and find that the post did not sign it."""
        self.act(
            "INSERT INTO custody_rejudged (record_id, class, retained_from, at, verdict, reason)"
            " SELECT record_id, class, retained_from, now(), 'forged', '' FROM custody_hit WHERE record_id = %s",
            alert.record_id,
            role=KEEPER,
        )

    def status(self, post: str, version: int | None, age: float | None) -> None:
        """Have a post say which list it has."""
        self.act(RECORD, "log", datetime.now(UTC), post, "platepost.status.v1")
        self.act(
            "INSERT INTO custody_status (record_id, class, retained_from, post, at, state, since, reasons, software,"
            " list_version, list_age) SELECT id, 'log', retained_from, %s, now(), 'ok', now(),"
            " '{}', '0', %s, %s FROM custody_record WHERE id = currval('custody_record_id')",
            *(post, version, age),
        )

    def person(self, login: str, role: DepartmentRole = DepartmentRole.DISPATCHER, *, begun: bool = True) -> AlertActor:
        """Return someone who has begun a shift."""
        person = new_person(login, role)
        if begun:
            with as_role(COMMAND):
                acknowledge(person, shift_start())
        return AlertActor(person)

    def opened(self, *groups: str | None) -> OpenEntry:
        named = [group for group in groups if group]
        return open_entry(person="x", agency="x", purpose=AccessPurpose("patrol"), query={}, groups=named)

    def asked(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask as a superuser: what is there, no matter who sees it."""
        return self.superuser.execute(query, values).fetchall()

    def act(self, statement: str, *values: object, role: str = SUPERUSER) -> None:
        """Do something as a role."""
        self.superuser.execute(f"SET ROLE {role}")
        try:
            self.superuser.execute(statement, values)
        finally:
            self.superuser.execute("RESET ROLE")

    def again(self, alert: Alert) -> Alert:
        """Return an alert as it is now."""
        matches = alert_of(alert.record_id)
        assert matches is not None
        return matches


def same(plate: str = PLATE, **answers: Any) -> EyeAnswers:
    """Return the answers of someone who sees what is listed."""
    characters = answers.pop("characters", [CharacterAnswer.SAME] * len(plate))
    return EyeAnswers(characters, **{"state": EyeAnswer.SAME, "vehicle": EyeAnswer.SAME, **answers})


@pytest.fixture
def dispatch(cluster: PrivateCluster, lasting: Lasting, transactional_db: None) -> Iterator[Dispatch]:
    where = f"host={cluster.folder} dbname={connection.settings_dict['NAME']}"
    keyring = Keyring.from_pem(SIGNER.public_pem)
    store = CustodyStore(f"{where} user={KEEPER} application_name=records", keys=lambda _: keyring)
    with lasting(SUPERUSER, autocommit=True) as superuser:
        created = Dispatch(store, where, superuser)
        created.act("SELECT custody_make_partitions(current_date, current_date)")
        _empty(superuser)  # what tests of other rooms left
        empty_ledger(superuser)
        yield created
        store.close()
        _empty(superuser)


def _empty(superuser: psycopg.Connection) -> None:
    empty(superuser, "alerts_alert", "alerts_step", "alerts_decision", "alerts_acknowledgment")
    empty_custody(superuser)


@pytest.fixture
def oakdale(dispatch: Dispatch, tmp_path: Path) -> Iterator[Oakdale]:
    """An agency with an agreement about releases, and its webhook."""
    new_person("r.manager", DepartmentRole.RECORDS_MANAGER)
    new_person("s.avila", DepartmentRole.SUPERVISOR)
    tables = ("alerts_webhook", "alerts_delivery", *AGENCIES)
    with psycopg.connect(dispatch.where, user=SUPERUSER, autocommit=True) as superuser:
        empty(superuser, *tables)
    for statement in AGREED:
        dispatch.act(statement)
    with as_role(OWNER):
        number = add_webhook("oakdale-pd", "https://cad.oakdale.example/platepost?a=1", person="root")
    yield Oakdale(dispatch, number, FederationIdentity("riverside", tmp_path / "client"))
    with psycopg.connect(dispatch.where, user=SUPERUSER, autocommit=True) as superuser:
        empty(superuser, *tables)

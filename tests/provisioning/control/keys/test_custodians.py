"""The fleet's side of custodians: what is said of their keys, and what a post makes of it."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509

from platepost.device.control.keys.custodians import Custodians
from platepost.device.control.keys.rotation import KeyRotation
from platepost.device.control.keys.trust import TrustedKeys
from platepost.device.uplink.inbox import Delivery
from platepost.provisioning.control.keys.adoption import AdoptionStatus, Holder
from platepost.provisioning.control.keys.distribution import preview_adoption
from platepost.provisioning.control.keys.rotation import announce, declare, retire, take_into_use
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.trust.key_files import KeyFiles
from platepost.wire.keys.statement import Key, roots_of
from platepost.wire.records import CustodianTerms, KeyState, Purpose
from tests.device.control.keys.clerk import Clerk

NOW = datetime.now(UTC)
CUSTODY = Purpose.CUSTODY


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet.create(tmp_path / "fleet", agency="riverside", custodian="records")


class Post:
    """What a post that was enrolled in a fleet believes of custodians, as statements reach it over the broker."""

    def __init__(self, fleet: Fleet, directory: Path) -> None:
        self._fleet = fleet
        given = [
            (terms, Key.of(fleet.keys(CUSTODY, terms.name).verifying.read_bytes()))
            for terms in fleet.terms()
            if terms.required
        ]
        roots = roots_of(x509.load_pem_x509_certificates((fleet.authority / "ca.pem").read_bytes()))
        self.custodians = Custodians(given, agency=fleet.agency, roots=roots, directory=directory)
        lists: Any = Clerk(directory / "clerk").post()
        self.refused: list[str] = []
        self._handlers: dict[str, Any] = {}
        timekeeper: Any = SimpleNamespace(now=lambda: NOW)
        audit: Any = SimpleNamespace(
            take=lambda event: self.refused.append(str(event.reason)) if event.reason else None
        )
        uplink: Any = SimpleNamespace(subscribe=lambda topic, handler, **_more: self._handlers.update({topic: handler}))
        trust = TrustedKeys(lists, lists, self.custodians)
        KeyRotation(trust, agency=fleet.agency, audit=audit, timekeeper=timekeeper).listen(uplink)

    def hear(self, files: KeyFiles) -> None:
        topic = files.topic(self._fleet.agency)
        answered = self._handlers[topic.rpartition("/")[0] + "/+"]
        answered(Delivery(1, 1, 1, topic, b"\n".join(files.lines()), retained=True))

    def terms(self) -> dict[str, CustodianTerms]:
        return {terms.name: terms for terms in self.custodians.terms}

    def state(self, name: str) -> KeyState:
        keys = self.custodians.get(name)
        assert keys is not None
        return keys.state(NOW)


def present(files: KeyFiles) -> str:
    return Key.of(files.verifying.read_bytes()).thumbprint


def test_a_custodian_s_key_is_rotated_and_the_former_retired(fleet: Fleet, tmp_path: Path) -> None:
    files, post = fleet.keys(CUSTODY, "records"), Post(fleet, tmp_path)
    former = present(files)
    done = announce(fleet, files, "j-stone")
    post.hear(files)
    assert (post.state("records").key, post.state("records").former) == (done.present, (former,))
    take_into_use(files)
    assert present(files) == done.present
    retire(files, "j-stone")
    post.hear(files)
    assert (post.state("records").key, post.state("records").former) == (done.present, ())
    assert post.terms() == {"records": CustodianTerms(name="records")}
    assert post.refused == []


def test_a_key_that_was_never_replaced_is_not_retired(fleet: Fleet) -> None:
    files = fleet.keys(CUSTODY, "records")
    declare(fleet, files, CustodianTerms(name="records", groups=("narcotics",)), "j-stone")
    with pytest.raises(ProvisioningError, match="custody of records was never replaced"):
        retire(files, "j-stone")


def test_a_stolen_key_is_revoked_by_the_root(fleet: Fleet, tmp_path: Path) -> None:
    files, post = fleet.keys(CUSTODY, "records"), Post(fleet, tmp_path)
    stolen = present(files)
    done = announce(fleet, files, "j-stone", vouch="root", revoke=True)
    take_into_use(files)
    post.hear(files)
    assert (post.state("records").key, post.state("records").former) == (done.present, ())
    keys = post.custodians.get("records")
    assert keys is not None
    assert keys.revoked(stolen)


def test_a_second_custodian_is_required_by_the_root_and_released_again(fleet: Fleet, tmp_path: Path) -> None:
    before = Post(fleet, tmp_path / "before")
    fleet.add_custodian("vault", groups=["gangs"])
    files = fleet.keys(CUSTODY, "vault")
    assert set(Post(fleet, tmp_path / "unasked").terms()) == {"records"}, "nobody has vouched for it yet"

    wanted = CustodianTerms(name="vault", groups=("gangs",))
    done = declare(fleet, files, wanted, "j-stone")
    before.hear(files)
    assert before.terms() == {"records": CustodianTerms(name="records"), "vault": wanted}
    assert before.state("vault").key == present(files)
    assert declare(fleet, files, wanted, "j-stone").statement == done.statement, "said again, not made again"
    after = Post(fleet, tmp_path / "after")
    after.hear(files)
    assert (after.terms(), after.state("vault").era) == (before.terms(), 1)

    # Its key follows it as the first one's, and the root's word stays.
    announce(fleet, files, "j-stone")
    take_into_use(files)
    declare(fleet, files, wanted.model_copy(update={"required": False}), "j-stone")
    for post in (before, after):
        post.hear(files)
        assert not post.terms()["vault"].required
        assert post.state("vault").key == present(files)
        assert post.refused == []
    assert [terms.required for terms in fleet.terms()] == [True, False]


def test_groups_change_the_custodian_s_rights_with_the_root_s_word(fleet: Fleet) -> None:
    declare(fleet, fleet.keys(CUSTODY, "records"), CustodianTerms(name="records", groups=("narcotics",)), "j-stone")
    fleet.write_access_list()
    assert "topic read alpr/v1/riverside/+/covert/narcotics" in fleet.broker.access_list.read_text()


def test_without_the_root_s_key_nothing_is_declared(fleet: Fleet, tmp_path: Path) -> None:
    fleet.root.rename(tmp_path / "safe")
    files = fleet.keys(CUSTODY, "records")
    with pytest.raises(ProvisioningError, match="copy its key back"):
        declare(fleet, files, CustodianTerms(name="records", groups=("narcotics",)), "j-stone")
    assert files.lines() == []


def test_terms_are_not_changed_while_a_key_is_being_replaced(fleet: Fleet) -> None:
    files = fleet.keys(CUSTODY, "records")
    announce(fleet, files, "j-stone")
    with pytest.raises(ProvisioningError, match="being replaced"):
        declare(fleet, files, CustodianTerms(name="records", required=False), "j-stone")


def holder(keys: KeyState | None, state: str = "online") -> Holder:
    return Holder("post-1", state, keys, answered=True)


def test_each_post_is_judged_by_what_it_goes_by(fleet: Fleet) -> None:
    fleet.add_custodian("vault")
    files = fleet.keys(CUSTODY, "vault")
    given = KeyState(purpose=CUSTODY, custodian="vault", key=present(files), era=0, number=0)
    wanted = declare(fleet, files, CustodianTerms(name="vault"), "j-stone")
    assert holder(None).adoption(wanted.statement) is AdoptionStatus.WAITING, "new to it"
    assert holder(None, "offline").adoption(wanted.statement) is AdoptionStatus.AWAY
    assert holder(given).adoption(wanted.statement) is AdoptionStatus.WAITING, (
        "the key stays, what it is needed for changes"
    )
    told = given.model_copy(update={"era": 1, "number": 1})
    assert holder(told).adoption(wanted.statement) is AdoptionStatus.GOES_BY_IT
    released = declare(fleet, files, CustodianTerms(name="vault", required=False), "j-stone")
    assert holder(told).adoption(released.statement) is AdoptionStatus.WAITING
    assert holder(None).adoption(released.statement) is AdoptionStatus.GOES_BY_IT, (
        "it waits for nobody that it does not know"
    )

    next_key = announce(fleet, files, "j-stone")
    take_into_use(files)
    assert (
        preview_adoption(fleet, files, holder(told.model_copy(update={"era": 2})), next_key)
        is AdoptionStatus.GOES_BY_IT
    )
    assert (
        preview_adoption(fleet, files, holder(told.model_copy(update={"era": 3})), next_key) is AdoptionStatus.REFUSED
    )

"""Commands: done once, for whom they may be done, and audited whatever becomes of them."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from platepost.common.errors import CameraError
from platepost.device.audit.rate_limit import MOST, WINDOW_SECONDS
from platepost.device.control.commands import OFTEN, CommandExecutor, Done
from platepost.device.outbox.errors import OutboxFullError
from platepost.device.uplink.inbox import Delivery
from platepost.provisioning.control.signing import sign_command
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.people.person import Person, x5c_of
from platepost.provisioning.trust.keys import private_pem
from platepost.wire.contract.examples import MemoryStore
from platepost.wire.control.seal import unseal
from platepost.wire.jose import sign
from platepost.wire.records import ALLOWED, COMMAND_TYPE, Command, Envelope, Finding, Role
from tests.device.control.world import BAD_CLOCK, GOOD_CLOCK, RUN, World

PREFIX = "alpr/v1/riverside/post-1"


@dataclass
class Desk:
    """A post's ear for commands, with its time in hand."""

    world: World
    doers: dict[Command, Callable[[], Done]] = field(default_factory=dict)
    run: str = RUN
    store: MemoryStore = field(default_factory=lambda: MemoryStore(RUN))
    sent: list[Envelope] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.doers = {Command.SELF_TEST: self._self_test} | self.doers
        self.begin()

    def begin(self) -> None:
        """Start the post's software."""
        assert self.world.base.control is not None
        self.logbook = self.world.logbook(self.store, run=self.run)
        self.executor = CommandExecutor.of(
            self.world.base.control, self.logbook, send=self.sent.append, doers=self.doers
        )

    def _self_test(self) -> Done:
        self.done.append("self-test")
        return Done(findings=(Finding(point="camera", good=True, said="fine"),))

    def hear(self, message: bytes, *, topic: str = "self-test", **more: Any) -> None:
        self.executor.receive(Delivery(1, 1, 1, f"{PREFIX}/command/{topic}", message, **more))

    @property
    def audit(self) -> list[dict[str, Any]]:
        return [record.event["data"] for record in self.store.records]

    @property
    def answer(self) -> dict[str, Any]:
        (envelope,) = self.sent
        return dict(envelope.event["data"])


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def test_a_command_is_done_audited_with_name_date_and_purpose_and_answered(desk: Desk, world: World) -> None:
    desk.hear(
        world.command(purpose="after the storm"), response_topic=f"{PREFIX}/response/a-technician", correlation=b"7"
    )
    (audit,) = desk.audit
    assert (audit["action"], audit["object"], audit["identity"]) == ("command_executed", "self-test", "a-technician")
    assert audit["details"]["purpose"] == "after the storm"
    assert audit["details"]["role"] == "technician"
    assert audit["details"]["asked"].startswith(f"{world.now:%Y-%m-%dT%H:%M:%S}")
    assert audit["occurred"]
    (envelope,) = desk.sent
    assert (envelope.topic, envelope.correlation) == (f"{PREFIX}/response/a-technician", b"7")
    assert desk.answer["outcome"] == "done"
    assert desk.answer["findings"][0]["said"] == "fine"
    assert desk.answer["request"] == audit["details"]["request"]


def test_without_mqtt_5_the_answer_goes_to_the_asker_s_topic(desk: Desk, world: World) -> None:
    desk.hear(world.command())
    assert desk.sent[0].topic == f"{PREFIX}/response/a-technician"


@pytest.mark.parametrize("topic", [f"{PREFIX}/status", f"{PREFIX}/response/a-operator", "alpr/v1/riverside/x/read", ""])
def test_an_answer_cannot_be_sent_elsewhere(desk: Desk, world: World, topic: str) -> None:
    desk.hear(world.command(), response_topic=topic)
    assert desk.done == []
    assert desk.audit[0]["reason"] == "response_topic"
    assert desk.sent[0].topic == f"{PREFIX}/response/a-technician"


def forged(world: World) -> bytes:
    """A command with an operator's certificate, signed with another key."""
    header = {"x5c": world.people["technician"].x5c}
    payload = base64.urlsafe_b64decode(world.command().split(b".")[1] + b"==")
    return sign(payload, ECKey.generate_key("P-256"), typ=COMMAND_TYPE, **header)


def of_another_fleet(world: World) -> bytes:
    fleet = Fleet.create(world.directory.parent / "other", agency="riverside")
    folder = fleet.add_operator("a-technician", Role.TECHNICIAN)
    return sign_command(Person.load(folder), "post-1", "self-test", purpose="a test", boot=RUN, issued=world.now)[1]


def of_a_post(world: World) -> bytes:
    """A post's own certificate and key, as taken from a stolen unit."""
    folder = world.fleet.post("post-1")
    certificate = x509.load_pem_x509_certificate((folder / "certificate.pem").read_bytes())
    key = ECKey.import_key((folder / "private_key.pem").read_bytes())
    identity = Person(folder, "post-1", "riverside", Role.TECHNICIAN, key, certificate)
    return sign_command(identity, "post-1", "self-test", purpose="a test", boot=RUN, issued=world.now)[1]


def in_another_s_name(world: World) -> bytes:
    thief = world.people["operator"]
    identity = Person(thief.folder, "a-administrator", "riverside", thief.role, thief.key, thief.certificate)
    return sign_command(identity, "post-1", "self-test", purpose="a test", boot=RUN, issued=world.now)[1]


def of_a_list_builder(world: World) -> bytes:
    person = world.people["list-builder"]
    return sign_command(person, "post-1", "self-test", purpose="a test", boot=RUN, issued=world.now)[1]


def no_command(world: World) -> bytes:
    person = world.people["technician"]
    return sign(b'{"id":1}', person.key, typ=COMMAND_TYPE, x5c=person.x5c)


def of_another_curve(world: World) -> bytes:
    key = ec.generate_private_key(ec.SECP384R1())
    return with_certificate(world, key, sign_with=world.key)


def with_a_longer_chain(world: World) -> bytes:
    person = world.people["technician"]
    payload = base64.urlsafe_b64decode(world.command().split(b".")[1] + b"==")
    return sign(payload, person.key, typ=COMMAND_TYPE, x5c=[*person.x5c, person.x5c[-1]])


def with_certificate(
    world: World, key: ec.EllipticCurvePrivateKey, *, agency: str = "riverside", sign_with: ECKey
) -> bytes:
    """A command in the technician's name, with a certificate of the fleet's for another key, or of another agency."""
    chain = world.fleet.open_authority().issue_operator(
        "a-technician", key, agency=agency, role="technician", valid=timedelta(days=30)
    )
    payload = base64.urlsafe_b64decode(world.command().split(b".")[1] + b"==")
    return sign(payload, sign_with, typ=COMMAND_TYPE, x5c=x5c_of(x509.load_pem_x509_certificates(chain)))


ANONYMOUS: dict[str, tuple[str, Callable[[World], bytes]]] = {
    "another key": ("bad_signature", forged),
    "another fleet": ("foreign_certificate", of_another_fleet),
    "a post": ("role", of_a_post),
    "a list builder": ("foreign_certificate", of_a_list_builder),
    "nothing": ("malformed", lambda _world: b"self-test"),
    "a shell": ("malformed", lambda _world: b"$(reboot)"),
    "too much": ("too_large", lambda _world: b"x" * 70_000),
    "no certificate": ("foreign_certificate", lambda world: sign(b"{}", world.key, typ=COMMAND_TYPE)),
    "a configuration": ("malformed", lambda world: world.sign({})),
    "no command": ("malformed", no_command),
    "another curve": ("foreign_certificate", of_another_curve),
    "a longer chain": ("foreign_certificate", with_a_longer_chain),
    "unsigned": ("unsigned", lambda world: world.command().rpartition(b".")[0] + b"."),
}


@pytest.mark.parametrize("name", ANONYMOUS)
def test_what_no_operator_signed_is_audited_and_not_answered(desk: Desk, world: World, name: str) -> None:
    reason, make = ANONYMOUS[name]
    desk.hear(make(world))
    assert (desk.done, desk.sent) == ([], [])
    (audit,) = desk.audit
    assert (audit["action"], audit["outcome"], audit["reason"]) == ("command_refused", "refused", reason)
    assert audit["identity"] == "post-1", "nobody is accused by a forgery"


NAMED: dict[str, tuple[str, dict[str, Any]]] = {
    "another post": ("other_post", {"post": "post-2"}),
    "another run": ("other_run", {"boot": "019c1503-fe00-7000-8000-0000000000ff"}),
    "old": ("too_old", {"issued": timedelta(minutes=-5)}),
    "dated ahead": ("from_the_future", {"issued": timedelta(minutes=5)}),
    "no command of a post": ("unknown_command", {"command": "rm -rf"}),
    "not for this role": ("role", {"command": "restart", "by": "operator"}),
}


@pytest.mark.parametrize("name", NAMED)
def test_what_may_not_be_done_is_audited_by_name_and_the_asker_is_told(desk: Desk, world: World, name: str) -> None:
    reason, changes = NAMED[name]
    if "issued" in changes:  # from now, not from when the tests were collected
        changes = changes | {"issued": datetime.now(UTC) + changes["issued"]}
    desk.hear(world.command(**changes), topic=changes.get("command", "self-test"))
    assert desk.done == []
    (audit,) = desk.audit
    assert (audit["action"], audit["reason"]) == ("command_refused", reason)
    assert audit["identity"] == f"a-{changes.get('by', 'technician')}"
    assert (desk.answer["outcome"], desk.answer["reason"]) == ("refused", reason)


def test_nothing_is_done_for_a_list_builder() -> None:
    assert [command for command, roles in ALLOWED.items() if Role.LIST_BUILDER in roles] == []


def test_somebody_in_another_s_name_is_audited_by_their_own(desk: Desk, world: World) -> None:
    desk.hear(in_another_s_name(world))
    (audit,) = desk.audit
    assert (audit["reason"], audit["identity"]) == ("not_the_holder", "a-operator")
    assert desk.sent == []


def test_one_whom_the_fleet_certified_for_another_agency_is_refused(desk: Desk, world: World) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    desk.hear(with_certificate(world, key, agency="elsewhere", sign_with=ECKey.import_key(private_pem(key))))
    assert (desk.done, desk.audit[0]["reason"]) == ([], "foreign_agency")


def test_a_command_on_another_command_s_topic_is_refused(desk: Desk, world: World) -> None:
    desk.hear(world.command("restart"), topic="self-test")
    assert desk.audit[0]["reason"] == "other_command"


def test_a_retained_command_is_refused(desk: Desk, world: World) -> None:
    desk.hear(world.command(), retained=True)
    assert (desk.done, desk.audit[0]["reason"]) == ([], "retained")


def test_a_certificate_that_ended_opens_nothing(desk: Desk, world: World) -> None:
    world.now += timedelta(days=40)
    desk.hear(world.command())
    assert desk.audit[0]["reason"] == "certificate_expired"
    world.now -= timedelta(days=80)
    desk.hear(world.command())
    assert desk.audit[1]["reason"] == "certificate_not_yet_valid"


def test_a_command_is_done_once_also_over_a_restart(desk: Desk, world: World) -> None:
    message = world.command(boot=None)
    desk.hear(message)
    desk.hear(message)
    desk.begin()
    desk.hear(message)
    assert desk.done == ["self-test"]
    assert [audit.get("reason") for audit in desk.audit] == [None, "replayed", "replayed"]


def test_with_a_doubtful_clock_only_what_names_the_present_run_is_done(desk: Desk, world: World) -> None:
    world.clock = BAD_CLOCK
    desk.hear(world.command(boot=None))
    assert desk.audit[-1]["reason"] == "clock_unsynchronised"
    desk.hear(world.command(issued=world.now - timedelta(days=1)))
    assert desk.done == ["self-test"]
    world.clock = GOOD_CLOCK
    desk.hear(world.command(boot=None))
    assert desk.done == ["self-test"] * 2


def test_a_journal_that_was_damaged_makes_every_command_name_the_run(desk: Desk, world: World) -> None:
    message = world.command(boot=None)
    desk.hear(message)
    (world.directory / "journal.db").write_bytes(b"not a database, and long enough to be looked at" * 40)
    desk.run = "019c1503-fe00-7000-8000-000000000002"
    desk.begin()
    desk.hear(message)
    desk.hear(world.command())
    assert [audit.get("reason") for audit in desk.audit] == [None, "other_run", "other_run"]
    desk.hear(world.command(boot=desk.run))
    assert len(desk.done) == 2


def test_what_cannot_be_remembered_is_not_done(desk: Desk, world: World) -> None:
    path = world.directory / "journal.db"
    path.unlink()
    path.mkdir()
    desk.hear(world.command())
    assert desk.done == []
    assert (desk.audit[0]["reason"], desk.answer["reason"]) == ("not_kept", "not_kept")


def test_a_command_is_not_done_more_often_than_allowed(desk: Desk, world: World) -> None:
    most, within = OFTEN[Command.SELF_TEST]
    for _ in range(most + 1):
        desk.hear(world.command())
    assert len(desk.done) == most
    assert desk.audit[-1]["reason"] == "too_often"
    world.now += timedelta(seconds=within + 1)
    desk.hear(world.command())
    assert len(desk.done) == most + 1


def test_what_is_not_built_is_answered_honestly(desk: Desk, world: World) -> None:
    desk.hear(world.command("renew-certificate"), topic="renew-certificate")
    assert desk.answer["outcome"] == "unsupported"
    assert (desk.audit[0]["outcome"], desk.audit[0]["reason"]) == ("failure", "unsupported")


@pytest.mark.parametrize(
    ("error", "told"), [(CameraError("no frame arrived"), "no frame arrived"), (KeyError("x"), "unforeseen")]
)
def test_a_failure_is_told_and_ends_nothing(world: World, error: Exception, told: str) -> None:
    def fail() -> Done:
        raise error

    desk = Desk(world, doers={Command.STILL: fail})
    desk.hear(world.command("still"), topic="still")
    assert desk.answer["outcome"] == "failed"
    assert told in desk.answer["message"]
    assert desk.audit[0]["reason"] == "failed"


def test_a_still_opens_with_the_asker_s_key_and_no_other(world: World) -> None:
    desk = Desk(world, doers={Command.STILL: lambda: Done(picture=b"\xff\xd8 a picture", details={"bytes": 12})})
    desk.hear(world.command("still"), topic="still")
    sealed = desk.answer["sealed"]
    assert b"a picture" not in desk.sent[0].body
    assert unseal(sealed, world.people["technician"].key) == b"\xff\xd8 a picture"
    for other in ("operator", "administrator"):
        with pytest.raises(JoseError):
            unseal(sealed, world.people[other].key)
    assert desk.audit[0]["details"]["bytes"] == 12
    assert "sealed" not in json.dumps(desk.audit)


def test_a_picture_that_cannot_be_accounted_for_is_not_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(world, doers={Command.STILL: lambda: Done(picture=b"\xff\xd8")})

    with monkeypatch.context() as patch:
        patch.setattr(desk.store, "append", full)
        desk.hear(world.command("still"), topic="still")
    assert (desk.answer["outcome"], "sealed" in desk.answer, desk.audit) == ("failed", False, [])
    world.steady += 1
    desk.logbook.records.retry()
    assert [(audit["outcome"], audit["reason"]) for audit in desk.audit] == [("failure", "failed")]


def test_a_restart_that_cannot_be_accounted_for_is_not_done(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    restarts: list[str] = []
    desk = Desk(world, doers={Command.RESTART: lambda: Done(afterwards=lambda: restarts.append("now"))})
    with monkeypatch.context() as patch:
        patch.setattr(desk.store, "append", full)
        desk.hear(world.command("restart"), topic="restart")
    assert (desk.answer["outcome"], restarts, desk.audit) == ("failed", [], [])
    world.steady += 1
    desk.logbook.records.retry()
    assert [(audit["outcome"], audit["reason"]) for audit in desk.audit] == [("failure", "failed")]
    desk.hear(world.command("restart"), topic="restart")
    assert (restarts, [audit["outcome"] for audit in desk.audit]) == (["now"], ["failure", "success"])


def test_a_full_disk_keeps_no_other_command_from_being_done_and_audited_later(
    desk: Desk, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(desk.store, "append", full)
        desk.hear(world.command())
    assert (desk.answer["outcome"], desk.audit) == ("done", [])
    world.steady += 1
    desk.logbook.records.retry()
    assert [audit["outcome"] for audit in desk.audit] == ["success"]


def full(_make: object) -> Envelope:
    raise OutboxFullError("the disk is full")


def test_what_follows_comes_after_the_answer(world: World) -> None:
    order: list[str] = []
    desk = Desk(world)
    desk.doers[Command.RESTART] = lambda: Done(afterwards=lambda: order.append(f"{len(desk.sent)} sent"))
    desk.hear(world.command("restart"), topic="restart")
    assert order == ["1 sent"]


def test_a_flood_of_forgeries_costs_few_records_and_hides_nobody(desk: Desk, world: World) -> None:
    bad = forged(world)
    for _ in range(400):
        desk.hear(bad)
        desk.hear(b"nonsense")
    assert [record["reason"] for record in desk.audit] == ["bad_signature", "malformed"] * MOST
    assert {record["details"]["message"] for record in desk.audit} == {
        "the signature is not of the expected key",
        "not a compact JWS",
    }
    desk.hear(world.command("restart", by="operator"), topic="restart")
    assert desk.audit[-1]["identity"] == "a-operator"
    world.steady = WINDOW_SECONDS + 1
    desk.logbook.rate_limited.poll(world.steady)
    counted = desk.audit[-1]
    assert counted["reason"] == "repeated"
    assert sum(counted["details"]["counted"].values()) == 800 - 2 * MOST
    assert set(counted["details"]["counted"]) == {"bad_signature", "malformed"}
    desk.logbook.rate_limited.flush()
    assert len(desk.audit) == 2 * MOST + 2, "nothing new, nothing said"


@pytest.mark.parametrize("topic", ["\ud800", "\x00", "a" * 500, "rm -rf /"])
def test_a_topic_that_cannot_be_told_is_unknown(desk: Desk, topic: str) -> None:
    desk.hear(b"nonsense", topic=topic)
    assert (desk.audit[0]["object"], desk.audit[0]["reason"]) == ("unknown", "malformed")


def test_a_member_that_is_null_is_malformed(desk: Desk, world: World) -> None:
    person = world.people["technician"]
    said = json.loads(base64.urlsafe_b64decode(world.command().split(b".")[1] + b"==")) | {"boot": None}
    desk.hear(sign(json.dumps(said).encode(), person.key, typ=COMMAND_TYPE, x5c=person.x5c))
    assert desk.audit[0]["reason"] == "malformed"


def test_a_certificate_of_an_unknown_version_is_refused(desk: Desk, world: World) -> None:
    person = world.people["technician"]
    der = base64.b64decode(person.x5c[0])
    versioned = der.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020106"), 1)
    assert versioned != der
    x5c = [base64.b64encode(versioned).decode()]
    desk.hear(sign(b"{}", person.key, typ=COMMAND_TYPE, x5c=x5c))
    assert desk.audit[0]["reason"] == "foreign_certificate"

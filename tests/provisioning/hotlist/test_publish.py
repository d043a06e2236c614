import json
import shutil
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from click.testing import CliRunner, Result
from joserfc.jwk import ECKey

from platepost.common.errors import PlatepostError
from platepost.provisioning.commands.hotlist.group import hotlist
from platepost.provisioning.connection import Connection, secured_client
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.hotlist.distribution import DistributionMonitor
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.wire.contract.examples import CLOCK, MemoryStore, example_status
from platepost.wire.hotlist import HotListRefused, HotListStore
from platepost.wire.hotlist.manifest import read_unverified
from platepost.wire.hotlist.package import split
from platepost.wire.hotlist.parts import Assembly, is_index, read_index
from platepost.wire.records import Audit, HotListState, Keyring, Recorder, Role, Signer, Source, Status
from platepost.wire.records.recorder import new_identifier

SECONDS = 20.0
EXPORT = "plate,category\n" + "".join(f"T{number:05d},local\n" for number in range(40))

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]


class Post:
    """The hot list's half of a post: takes packages, whole or in parts, and says signed what became of it."""

    def __init__(self, fleet: Fleet, broker: Broker, name: str, folder: Path) -> None:
        files = fleet.post(name)
        self.store = HotListStore(
            folder / name,
            agency=fleet.agency,
            issuer_key=(files / "issuer_key.pem").read_bytes(),
            unseal_key=(files / "unseal_key.pem").read_bytes(),
        )
        self._recorder = Recorder(
            MemoryStore(new_identifier()), Signer.from_file(files / "signing_key.pem"), Source(fleet.agency, name)
        )
        self._assembly: Assembly | None = None
        self._subscribed = threading.Event()
        self._boot = new_identifier()
        self.messages = 0
        self.client = secured_client(files)
        self.client.on_connect = lambda client, *_: client.subscribe(
            [
                (f"alpr/v1/{fleet.agency}/hotlist/{topic}", 1)
                for topic in (f"keys/{self.store.recipient}", "package", "delta")
            ]
        )
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.on_message = self._take
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()
        assert self._subscribed.wait(SECONDS)
        self.say_status()

    def say_status(self, state: str = "online") -> None:
        held = self.store.current
        listed = HotListState(state="none") if held is None else HotListState(state="current", version=held.version)
        self._say(example_status("online", self._boot).model_copy(update={"hotlist": listed, "state": state}))

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _say(self, data: Status | Audit) -> None:
        envelope = self._recorder.record(data)
        self.client.publish(envelope.topic, envelope.body, qos=1, retain=envelope.retain)

    def _take(self, client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self.messages += 1
        payload = bytes(message.payload)
        if "/keys/" in message.topic:
            self.store.install_keys(payload)
        elif is_index(payload):
            index = read_index(payload)
            self._assembly = Assembly(index, self.store.examine(index.line))
            client.subscribe([(f"{message.topic}/{number}", 1) for number in sorted(self._assembly.missing)])
        elif self._assembly is None or not self._assembly.take(payload):
            self._install(payload)
        elif not self._assembly.missing:
            self._install(bytes(self._assembly.package()))

    def _install(self, package: bytes) -> None:
        try:
            self.store.install(package)
        except HotListRefused as refusal:
            facts = {"where": "post", "source": "broker", "identity": "post", "reason": refusal.reason.value}
            moment = datetime.now(UTC)
            self._say(Audit(clock=CLOCK, action="hotlist_refused", occurred=moment, outcome="refused", **facts))
        else:
            self.say_status()


class Department:
    """A fleet with two posts, its broker, and the commands that bring a list to it."""

    def __init__(self, folder: Path, fleet: Fleet, broker: Broker) -> None:
        self.folder, self.fleet, self.broker = folder, fleet, broker

    def build(self, text: str = EXPORT, *arguments: str) -> Path:
        (self.folder / "export.csv").write_text(text)
        return self._built("build", str(self.folder / "export.csv"), *arguments)

    def delta(self, removed: str) -> Path:
        (self.folder / "recovered.csv").write_text(f"plate\n{removed}\n")
        return self._built("delta", "--remove", str(self.folder / "recovered.csv"))

    def _built(self, *arguments: str) -> Path:
        path = self.folder / "made.package"
        common = ("--fleet", str(self.fleet.directory), "--output", str(path))
        assert CliRunner().invoke(hotlist, [*arguments, *common], catch_exceptions=False).exit_code == 0
        return path

    def publish(self, package: Path, *arguments: str) -> Result:
        where = ("--fleet", str(self.fleet.directory), "--broker", self.broker.address)
        return CliRunner().invoke(hotlist, ["publish", str(package), *where, *arguments])

    def published(self, package: Path, *arguments: str) -> dict[str, Any]:
        result = self.publish(package, *arguments, "--json", "--wait", str(SECONDS))
        assert result.exit_code == 0, (result.output, result.exception)
        said: dict[str, Any] = json.loads(result.stdout)
        return said


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    made = Fleet.create(tmp_path_factory.mktemp("fleet") / "fleet", agency="riverside")
    for name in ("post-1", "post-2"):
        made.add_post(name, PostSettings(brokers=("localhost:1",)))
    return made


@pytest.fixture
def department(fleet: Fleet, tmp_path: Path) -> Iterator[Department]:
    shutil.rmtree(fleet.list_archive, ignore_errors=True)
    with Broker(fleet, tmp_path / "broker") as broker:
        yield Department(tmp_path, fleet, broker)


@pytest.fixture
def post(department: Department) -> Iterator[Post]:
    made = Post(department.fleet, department.broker, "post-1", department.folder)
    yield made
    made.leave()


@pytest.mark.parametrize("form", ["1", "2"])
def test_a_list_and_its_delta_come_into_force_and_the_table_says_so(
    department: Department, post: Post, form: str
) -> None:
    said = department.published(department.build(EXPORT, "--format", form))
    assert (said["topic"], said["parts"], said["kind"]) == ("alpr/v1/riverside/hotlist/package", 0, "complete")
    assert (said["posts"]["post-1"]["outcome"], said["posts"]["post-2"]["outcome"]) == ("active", "never seen")
    said = department.published(department.delta("T00001"))
    assert (said["topic"], said["kind"]) == ("alpr/v1/riverside/hotlist/delta", "delta")
    assert said["posts"]["post-1"]["version"] == said["version"]
    assert said["posts"]["post-1"]["in_force_seconds"] >= 0
    assert post.store.current is not None
    assert post.store.current.entries == 40
    assert post.store.current.manifest.format == f"platepost-hotlist/{form}"
    shown = department.publish(department.delta("T00002"), "--wait", str(SECONDS))
    assert shown.exit_code == 0
    assert "active after" in shown.stdout
    assert "has never been online" in shown.stdout


def test_who_published_is_signed_for_by_a_service_that_cannot_connect_itself(department: Department) -> None:
    fleet = department.fleet
    builder = fleet.add_operator("lists", Role.LIST_BUILDER)
    package = department.build()
    logged = len(list(fleet.acts))
    result = department.publish(package, "--as", "lists", "--purpose", "by cron")
    assert result.exit_code == 0, (result.output, result.exception)
    begun, done = list(fleet.acts)[logged:]
    assert [(act.identity, act.action) for act in (begun, done)] == [
        ("lists", "hotlist_publish"),
        ("lists", "hotlist_published"),
    ]
    manifest = read_unverified(split(package.read_bytes())[0])
    assert (begun.object, begun.details["digest"]) == (str(manifest.version), manifest.digest)
    assert (begun.details["broker"], done.details["topic"]) == (
        department.broker.address,
        "alpr/v1/riverside/hotlist/package",
    )
    with pytest.raises(ProvisioningError), Connection(builder, broker=department.broker.address):
        pass


def test_a_package_goes_in_parts_where_that_is_asked_for(department: Department, post: Post) -> None:
    package = department.build()
    said = department.published(package, "--part-bytes", "1024")
    assert said["parts"] > 2
    assert said["posts"]["post-1"]["outcome"] == "active"
    assert post.messages == said["parts"] + 1


def test_a_package_goes_in_parts_where_the_broker_takes_no_such_packet(department: Department, post: Post) -> None:
    configuration = department.broker.directory / "mosquitto.conf"
    department.broker.stop()
    configuration.write_text(configuration.read_text() + "max_packet_size 3000\n")
    department.broker.start()
    said = department.published(department.build())
    assert said["parts"] > 1
    assert said["posts"]["post-1"]["outcome"] == "active"


def test_a_post_that_comes_later_takes_what_is_retained(department: Department) -> None:
    first = department.publish(department.build(), "--part-bytes", "1024", "--wait", "0")
    assert first.exit_code == 0, first.output
    department.publish(department.delta("T00001"))
    late = Post(department.fleet, department.broker, "post-2", department.folder)
    said = department.published(department.delta("T00002"))
    late.leave()
    assert said["posts"]["post-2"]["outcome"] == "active"
    assert late.store.current is not None
    assert late.store.current.entries == 39


def test_a_refusal_is_told_with_its_reason_and_fails_the_command(department: Department, post: Post) -> None:
    department.published(department.build())
    jumped = department.build(EXPORT[: len(EXPORT) // 3], "--size-jump", "1")
    result = department.publish(jumped, "--wait", str(SECONDS))
    assert result.exit_code == 1
    assert "refused: size_jump" in result.stdout


def test_a_post_off_the_air_is_not_waited_for(department: Department, post: Post) -> None:
    post.say_status("offline")
    post.leave()
    result = department.publish(department.build(), "--wait", str(SECONDS))
    assert result.exit_code == 0
    assert "offline, takes it when it is back" in result.stdout


def test_a_delta_whose_base_nobody_holds_is_told_of(department: Department, post: Post) -> None:
    department.build()
    result = department.publish(department.delta("T00001"), "--wait", str(SECONDS))
    assert result.exit_code == 1
    assert "to which this delta applies: publish that list too" in result.stderr
    assert "refused: wrong_base" in result.stdout


def test_an_older_list_is_not_put_in_the_way_of_a_newer_one(department: Department, post: Post) -> None:
    old = department.build().read_bytes()
    department.published(department.build())
    path = department.folder / "old.package"
    path.write_bytes(old)
    refused = department.publish(path)
    assert isinstance(refused.exception, ProvisioningError)
    assert "is older than" in str(refused.exception)
    assert department.publish(path, "--older").exit_code == 0


def test_a_forged_word_of_a_post_counts_for_nothing(department: Department, post: Post) -> None:
    package = department.build()
    version = json.loads(CliRunner().invoke(hotlist, ["inspect", str(package), "--json"]).stdout)["version"]
    forged = Recorder(MemoryStore(new_identifier()), Signer(ECKey.generate_key()), Source("riverside", "post-1"))
    listed = HotListState(state="current", version=version)
    status = example_status("online", new_identifier()).model_copy(update={"hotlist": listed})
    envelope = forged.record(status)
    watch = DistributionMonitor("riverside", keys={"post-1": Keyring.from_files(department.fleet.record_key("post-1"))})
    watch.expect(version)
    watch.hear(envelope.topic, envelope.body)
    assert watch.posts == {}
    genuine = DistributionMonitor("riverside")
    genuine.expect(version)
    genuine.hear(envelope.topic, envelope.body)
    assert genuine.posts["post-1"].outcome == "active"


def test_a_refusal_of_another_list_or_one_that_was_on_its_way_for_hours_is_not_taken_for_one_of_this() -> None:
    recorder = Recorder(MemoryStore(new_identifier()), Signer(ECKey.generate_key()), Source("riverside", "post-1"))
    watch = DistributionMonitor("riverside", posts=["post-1"])
    watch.expect(7)

    def outcome_of(occurred: datetime, version: str | None = None, reason: str = "expired") -> str:
        facts = {"where": "post", "source": "broker", "identity": "post", "reason": reason, "object": version}
        audit = Audit(clock=CLOCK, action="hotlist_refused", occurred=occurred, outcome="refused", **facts)
        envelope = recorder.record(audit)
        watch.hear(envelope.topic, envelope.body)
        return watch.posts["post-1"].refused or "not refused"

    now = datetime.now(UTC)
    assert outcome_of(now - timedelta(hours=3)) == "not refused"
    assert outcome_of(now, "6") == "not refused", "the former delta, which the broker has retained"
    assert outcome_of(now, "7") == "expired"
    assert outcome_of(now, reason="malformed") == "malformed", "of which list is not known"


@pytest.mark.parametrize("what", ["foreign", "expired", "damaged"])
def test_what_no_post_would_take_is_not_published(department: Department, what: str, tmp_path: Path) -> None:
    package = department.build(EXPORT, "--lifetime-hours", "0.0000001" if what == "expired" else "1")
    other = Fleet.create(tmp_path / "other", agency="elsewhere") if what == "foreign" else None
    if other is not None:
        other.list_verifying_key.write_bytes(department.fleet.list_verifying_key.read_bytes())
        department.fleet = other
    if what == "damaged":
        package.write_bytes(package.read_bytes()[:-1])
    result = department.publish(package)
    assert isinstance(result.exception, PlatepostError)


def test_packages_go_onto_a_stick_with_the_names_of_their_posts(department: Department) -> None:
    complete = department.build().read_bytes()
    delta = department.delta("T00001").read_bytes()
    arguments = ["export", "--fleet", str(department.fleet.directory), "--to", str(department.folder / "stick" / "a")]
    result = CliRunner().invoke(hotlist, [*arguments, "--json"], catch_exceptions=False)
    said = json.loads(result.stdout)
    assert said["posts"] == ["post-1", "post-2"]
    files = [department.folder / "stick" / "a" / name for name in said["files"]]
    assert [path.suffix for path in files] == [".package", ".delta"]
    assert [path.read_bytes() for path in files] == [complete, delta]
    assert "hotlist-" in CliRunner().invoke(hotlist, arguments).stdout
    shutil.rmtree(department.fleet.list_archive)
    assert isinstance(CliRunner().invoke(hotlist, arguments).exception, ProvisioningError)


def test_packages_take_the_place_of_links_on_a_stick(department: Department) -> None:
    """Who brings the stick may have laid them there, to a file of the administrator's."""
    complete = department.build().read_bytes()
    stick, ledger = department.folder / "stick", department.folder / "ledger"
    ledger.write_text("revoked")
    arguments = ["export", "--fleet", str(department.fleet.directory), "--to", str(stick), "--json"]
    (name,) = json.loads(CliRunner().invoke(hotlist, arguments, catch_exceptions=False).stdout)["files"]
    (stick / name).unlink()
    for link in (name, f"{name}.part", f"{Path(name).stem}.part"):
        (stick / link).symlink_to(ledger)
    CliRunner().invoke(hotlist, arguments, catch_exceptions=False)
    assert ledger.read_text() == "revoked"
    assert (stick / name).read_bytes() == complete
    assert stat.S_IMODE((stick / name).stat().st_mode) == 0o644

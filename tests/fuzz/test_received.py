"""Whatever arrives from the network: no crash, no effect but that of what is right, every refusal named, few records.

A short form runs with the other tests. `make fuzz` is the long one: PLATEPOST_FUZZ is how many times twenty messages of
each kind are heard.
"""

import base64
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from shutil import rmtree
from time import perf_counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from platepost.common.errors import RecordError
from platepost.provisioning.control.status import judge
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.wire.contract.examples import ExampleSigner, example_records
from platepost.wire.hotlist import HotList, HotListRefused, RefusalReason
from platepost.wire.records import Command, Keyring, Role
from platepost.wire.records.canonical import canonical_bytes
from platepost.wire.verify.verify import Verifier
from tests.device.control.world import World
from tests.device.hotlist.department import Department
from tests.fuzz import receipt_ear
from tests.fuzz.ear import PREFIX, Ear, ear
from tests.fuzz.key_ear import KeyEar, messages
from tests.fuzz.messages import HEADER_NAMES, Forge, Keys, b64, broken, mangle, text_of
from tests.fuzz.receipt_ear import ReceiptEar
from tests.wire.hotlist.test_package import payload, resigned

EXAMPLES = int(os.environ.get("PLATEPOST_FUZZ", "6"))
EACH = 20
"""Messages an example."""
FUZZED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= 12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Forge:
    fleets = []
    for name in ("fleet", "other"):
        fleet = Fleet.create(tmp_path_factory.mktemp(name) / name, agency="riverside")
        fleet.add_post("post-1", PostSettings(brokers=("localhost:1",), camera="footage"))
        for role in Role:
            fleet.add_operator(f"a-{role.value}", role, valid=timedelta(days=3000))
        fleets.append(fleet)
    return Forge(Keys(*fleets))


def hear_all(hear: Callable[[], None], outcomes: Counter[str], about: str, *wanted: str) -> None:
    """Hear messages until each outcome wanted came of one.

    hypothesis draws constants of all modules that a process has loaded, so what a few draws come to changes with every
    line of the project: one time in ten a rare outcome would be missing.
    """
    for number in range(20):
        hear()
        missing = {f"{about} {outcome}" for outcome in wanted} - set(outcomes)
        if not missing:
            return
        seed(number)(hear)
    raise AssertionError(missing)


@pytest.fixture(scope="module")
def post(forge: Forge, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ear]:
    made = ear(World(forge.fleet, tmp_path_factory.mktemp("post") / "control"), forge)
    began = perf_counter()
    yield made
    heard = sum(made.outcomes.values())
    print(f"\n{heard} messages in {perf_counter() - began:.0f} s: {dict(made.outcomes)}")  # noqa: T201 - the figures are the point


TOPICS = st.sampled_from([*Command, "reboot", "../configuration", "", "self-test/x", "a" * 500])
RESPONSES = st.sampled_from([None, None, None, f"{PREFIX}/response/a-technician", f"{PREFIX}/status", "#", "\ud800"])


def asked(message: bytes) -> str:
    """Return the topic that a command's own words would go to."""
    try:
        said = json.loads(base64.urlsafe_b64decode(message.split(b".")[1] + b"=="))["command"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return "self-test"
    return said if isinstance(said, str) else "self-test"


def test_commands(post: Ear, forge: Forge) -> None:
    @FUZZED
    @given(data=st.data())
    def hear(data: Any) -> None:
        post.forget()
        forge.now = post.world.now
        for _ in range(EACH):
            message = data.draw(forge.commands)
            topic = asked(message) if data.draw(st.integers(0, 4)) else data.draw(TOPICS)
            retained = data.draw(st.integers(0, 19)) == 0
            before = len(post.done)
            post.command(topic, message, response_topic=data.draw(RESPONSES), retained=retained)
            if data.draw(st.integers(0, 4)) == 0:
                done = len(post.done)
                post.command(topic, message, response_topic=None, retained=False)
                assert len(post.done) == done or done == before, "what was done is not done again"

    wanted = "done retained replayed malformed foreign_certificate response_topic bad_signature role"
    hear_all(hear, post.outcomes, "command", *wanted.split())


def test_configurations(post: Ear, forge: Forge) -> None:
    @FUZZED
    @given(data=st.data())
    def hear(data: Any) -> None:
        post.forget()
        for _ in range(EACH):
            post.configuration(data.draw(forge.configurations))

    hear_all(hear, post.outcomes, "configuration", "applied", "malformed", "invalid_value", "bad_signature", "older")


def test_statements_about_keys_of_which_some_are_believed(tmp_path_factory: pytest.TempPathFactory) -> None:
    outcomes: Counter[str] = Counter()

    @FUZZED
    @given(data=st.data())
    def hear(data: Any) -> None:
        folder = tmp_path_factory.mktemp("keys")
        made = KeyEar(folder)
        for _ in range(EACH):
            made.hear(data.draw(messages(made)))
        rmtree(folder)  # thousands of them fill a disk in memory
        outcomes.update(made.outcomes)

    hear_all(hear, outcomes, "keys", "changed", "retired_key", "older")
    print(f"\n{dict(outcomes)}")  # noqa: T201 - the figures are the point


def test_receipts_of_which_some_release_records(tmp_path_factory: pytest.TempPathFactory) -> None:
    outcomes: Counter[str] = Counter()

    @FUZZED
    @given(data=st.data())
    def hear(data: Any) -> None:
        folder = tmp_path_factory.mktemp("receipts")
        made = ReceiptEar(folder)
        for _ in range(EACH):
            if data.draw(st.booleans()):
                made.work(data.draw(st.integers(1, 4)), deliver=data.draw(st.booleans()))
            retained = data.draw(st.integers(0, 19)) == 19
            made.hear(data.draw(receipt_ear.messages(made)), data.draw(receipt_ear.CUSTODIANS), retained=retained)
        made.end()
        made.bench.outbox.close()
        rmtree(folder)
        outcomes.update(made.outcomes)

    wanted = "released forked taken bad_signature lower_epoch malformed too_large unknown_custodian"
    hear_all(hear, outcomes, "receipt", *wanted.split())
    print(f"\n{dict(outcomes)}")  # noqa: T201 - the figures are the point


@FUZZED
@given(data=st.data())
def test_signatures_of_records(data: Any) -> None:
    """What anyone can write to a broker, without any key, is judged by the office and by `platepost verify`."""
    signer = ExampleSigner()
    ring = Keyring.from_pem(signer.public_pem)
    good = example_records(signer)["status"].event
    for _ in range(EACH):
        header: Any = {"alg": "ES256", "kid": signer.kid}
        for _ in range(data.draw(st.integers(1, 2))):
            header = data.draw(broken(header, HEADER_NAMES)) if isinstance(header, dict) else header
        head = b64(text_of(header))
        signature = (data.draw(mangle(head)) if data.draw(st.integers(0, 4)) == 0 else head).decode("latin-1")
        event = good | {"signature": f"{signature}..{good['signature'].partition('..')[2]}"}
        with pytest.raises(RecordError):
            ring.check(event["signature"], canonical_bytes(event))
        assert judge("post-1", json.dumps(event).encode(), ring).state == "unverified"
        report = Verifier(ring).feed_all([json.dumps(event)])
        assert {problem.kind for problem in report.problems} <= {"changed", "foreign"}
        assert not report.intact


@pytest.fixture(scope="module")
def department() -> Department:
    return Department()


@FUZZED
@given(data=st.data())
def test_hot_lists(
    department: Department,
    tmp_path_factory: pytest.TempPathFactory,
    data: Any,
) -> None:
    good = GOOD.setdefault(id(department), department.package(version=5))
    store = department.store(tmp_path_factory.mktemp("lists"))
    before = store.install(good, at=department.built)
    facts = payload(good.partition(b"\n")[0])
    for _ in range(EACH):
        how = data.draw(st.integers(0, 2))
        if how == 0:
            message = data.draw(mangle(good) | st.binary(max_size=300))
        else:
            changed = data.draw(broken(facts, st.sampled_from(sorted(facts))))
            message = resigned(department, good, **(changed if isinstance(changed, dict) else {"issuer": changed}))
            if how == 2:
                message = data.draw(mangle(message))
        current = store.current
        refused: HotListRefused | None = None
        try:
            taken = store.install(message, at=department.built)
        except HotListRefused as refusal:
            refused = refusal
        if refused is not None:
            assert refused.reason in RefusalReason
            assert store.current is current
        else:
            assert taken.version > before.version, "only the issuer's own later version"
            assert isinstance(taken, HotList)


GOOD: dict[int, bytes] = {}

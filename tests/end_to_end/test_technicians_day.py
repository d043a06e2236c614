"""A technician's day, on each broker: from nothing to posts in service and out of it again, by the commands that people
give, and no other way.

The administrator's are given in this process, the technician's at a terminal or in a browser.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.sync_api import expect

from platepost.device.camera.view import load_views
from platepost.device.commands.enroll import enroll
from platepost.device.config import load
from platepost.device.post import Post
from platepost.provisioning.cli import provision
from platepost.provisioning.connection import Connection
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.broker_reload import reload_broker
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.register import open_register
from platepost.provisioning.fleet.revocation import is_let_in
from platepost.provisioning.people.person import NotCertifiedError, Person
from platepost.provisioning.trust.passphrase import FLEET_PASSPHRASE, NEW_PERSON_PASSPHRASE, PERSONAL_PASSPHRASE
from platepost.simulator.brokers.daemon import free_port
from platepost.simulator.ground.subscriber import Subscriber
from platepost.simulator.keeper.keeper import RecordKeeper
from platepost.wire.records.signing import read_key
from platepost.wire.verify.cli import verify
from tests.browser import Visitor, page_faults
from tests.end_to_end.day import BROKERS, PURPOSE, SECONDS, Day, Terminal, as_client, given, running
from tests.end_to_end.test_aim import is_whole, nearer
from tests.provisioning.enrollment.conftest import Department, open_office

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.timeout(300),  # a whole day: some thirty commands one after another, and lock-outs that are waited out
]
LOCKED_OUT_SECONDS = 10.0
UNTRIED = ("--camera-setting", "path=clip.mp4", "--no-acceptance")
"""Of a post that only speaks with the broker."""


@pytest.fixture
def passphrases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the passphrases of the people in the office as files that only they read."""
    for variable in (
        "PLATEPOST_PASSPHRASE_FILE",
        "PLATEPOST_PERSON_PASSPHRASE_FILE",
        "PLATEPOST_NEW_PERSON_PASSPHRASE_FILE",
    ):
        path = tmp_path / variable.lower()
        path.touch(mode=0o600)
        path.write_text("correct horse battery staple\n")
        monkeypatch.setenv(variable, str(path))
    yield
    for source in (FLEET_PASSPHRASE, PERSONAL_PASSPHRASE, NEW_PERSON_PASSPHRASE):
        source.forget()


@pytest.fixture(params=BROKERS)
def day(request: pytest.FixtureRequest, tmp_path: Path, passphrases: None) -> Iterator[Day]:
    """Begin a day: the fleet is made, people are certified, the broker runs."""
    directory = tmp_path / "fleet"
    words = ("--agency", "riverside", "--broker-name", "localhost", "--administrator", "j-stone")
    given(provision, "fleet", "init", directory, *words)
    because = ("--as", "j-stone", "--purpose", "course of 14 March passed")
    given(provision, "person", "add", directory, "r-alvarez", "--role", "technician", *because)
    reads = ("--reads", "the archive", "--until", f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}")
    given(provision, "subscriber", "add", directory, "keeper", *reads, *because)
    with running(request.param, Fleet.load(directory), tmp_path / "broker") as (broker, reload):
        yield Day(directory, broker, reload)


def test_from_nothing_to_a_post_in_service_and_out_of_it(day: Day, tmp_path: Path, visitor: Visitor) -> None:
    # The broker is proved to give everyone their rights and no one more.
    proof = day.told("fleet", "check-acl", *day.at_the_broker)
    assert proof["wrong"] == 0
    assert len(proof["cases"]) > 100
    receipts = [row for row in proof["cases"] if row["topic"].endswith("/{post}/receipt/{custodian}") and row["is"]]
    assert {(row["who"], row["does"]) for row in receipts} == {("custodian", "write"), ("post", "read")}

    units = {name: tmp_path / name for name in ("post-17", "post-18", "post-19")}
    with ExitStack() as stack:
        keeper = stack.enter_context(
            Subscriber(
                day.fleet.subscriber("keeper"),
                agency="riverside",
                broker=day.broker.address,
                archive=tmp_path / "records.jsonl",
            )
        )
        # The custodian that the fleet was made with: without its receipts records would wait on the posts.
        stack.enter_context(
            RecordKeeper(day.fleet, "records", broker=day.broker.address, folder=tmp_path / "custodian")
        )
        office = stack.enter_context(open_office(day.fleet, tmp_path, reload=day.reload))
        enroll_three(day, office, units, tmp_path, stack)
        day.publish_list("8KTR402,CA,acceptance_test\n8AAA000,CA,stolen_vehicle", tmp_path)
        for name, unit in units.items():
            assert day.speaks(unit, name)

        technician = day.fleet.operator("r-alvarez")
        aim(visitor, units["post-17"], technician, stack)
        report = accept(day, units["post-17"], technician, tmp_path, stack)
        shown = visitor.open(report.as_uri(), phone=True)
        assert page_faults(shown, "accept") == []
        mark = "getComputedStyle(document.querySelector('tbody .good'), '::before').content"
        assert shown.evaluate(mark) == '"✓ "'
        day.give("acceptance", "keep", report)
        serve(units["post-17"], keeper)

        replace(day, office, units, tmp_path)

    # A key is rotated, after a rehearsal; posts that were enrolled before go on.
    day.told("fleet", "rotate", "publisher", *day.at_the_broker, "--rehearse")
    day.told("fleet", "rotate", "publisher", *day.at_the_broker)
    day.publish_list("8AAA000,CA,stolen_vehicle", tmp_path)
    assert day.speaks(units["post-19"], "post-19")

    somebody_leaves(day, tmp_path)
    steal(day, units["post-17"])

    # Every act is in the log, and the log is whole.
    done = {act.action for act in day.fleet.acts}
    assert {"fleet_made", "person_certified", "rights_proved", "code_issued", "post_enrolled", "post_replaced"} <= done
    assert {"acceptance_kept", "key_rotated", "person_expired", "act_refused", "post_revoked"} <= done
    keys = str(day.directory / "people" / "keys")
    assert CliRunner().invoke(verify, [str(day.fleet.acts.path), "--key", keys, "--whole"]).exit_code == 0


def enroll_three(day: Day, office: Department, units: dict[str, Path], folder: Path, stack: ExitStack) -> None:
    """Enroll a post at its terminal over the network, one likewise, and one by stick."""
    clip = nearer(folder / "near")
    footage = ("--camera-setting", f"path={clip}", "--camera-setting", "loop=true")
    code = day.invite("post-17", *footage, "--camera-setting", "frames_per_second=2")
    address = f"localhost:{office.port}"
    terminal = Terminal("enroll", "post-17", address, "--directory", units["post-17"], "--code-file", "-")
    stack.callback(terminal.close)
    terminal.type(code)
    terminal.wait_for("This unit is post-17")
    assert terminal.end() == 0
    # The same vehicle again and again is one vehicle; here it is to be many.
    with (units["post-17"] / "post.toml").open("a") as file:
        file.write("\n[passages]\nrepeat_seconds = 0\n\n[service]\nshutter = 0.001\nspeed_mph = 35\n")
    given(enroll, "post-18", address, "--directory", units["post-18"], typed=day.invite("post-18", *UNTRIED))
    day.enroll_by_stick("post-19", units["post-19"], folder / "stick", day.invite("post-19", *UNTRIED))
    assert set(day.fleet.posts()) == set(units)


def aim(visitor: Visitor, unit: Path, technician: Path, stack: ExitStack) -> None:
    # In the footage's own time: a busy machine sees what a quiet one does. At two frames a second its vehicle takes so
    # long that it counts as a plate that is held into the view, and the light is red while that is still small.
    settings = (unit / "post.toml").read_text().replace("loop = true", 'loop = true\npace = "fast"')
    assert "frames_per_second = 2\n" in settings
    (unit / "aim.toml").write_text(settings.replace("frames_per_second = 2\n", "frames_per_second = 3\n"))
    terminal = Terminal(
        "aim", "--config", unit / "aim.toml", "--as", technician, "--purpose", PURPOSE, "--port", free_port()
    )
    stack.callback(terminal.close)
    page = visitor.open(terminal.wait_for(r"https://\S+/enter/\S+")[0], phone=True)
    expect(page.locator("#word")).to_have_text("GOOD")
    expect(page.locator("tr.good")).to_have_count(9)
    expect(page.locator("#accept")).to_have_text("Accept this view in daylight")
    expect(page.locator("#picture")).to_have_js_property("naturalWidth", 960)
    is_whole(page)
    page.locator("#accept").click()
    expect(page.locator("#foot")).to_contain_text("Accepted in: daylight")
    page.locator("#done").click()
    expect(page.locator("#word")).to_have_text("CLOSED")
    assert terminal.end() == 0, terminal.said
    view = load_views(unit / "state").day
    assert view is not None
    assert view.accepted_by == "r-alvarez"


def accept(day: Day, unit: Path, technician: Path, folder: Path, stack: ExitStack) -> Path:
    """Go through the checklist, and return the report."""
    limits = {"vehicles": 2, "least_share": 0, "outage_seconds": 1, "alarm_seconds": 30}
    words = [word for name, value in limits.items() for word in ("--limit", f"{name}={value}")]
    options = ("--config", unit / "post.toml", "--as", technician, "--purpose", PURPOSE, "--output", folder)
    terminal = Terminal("accept", *options, *words)
    stack.callback(terminal.close)
    terminal.wait_for("Hold the test plate")
    terminal.wait_for("Press Enter")
    terminal.type("\n\n")
    terminal.wait_for("Take the network away")
    day.broker.stop()
    terminal.wait_for("Plug it in again")
    day.broker.start()
    terminal.wait_for("Accepted")
    assert terminal.end() == 0, terminal.said
    (report,) = folder.glob("acceptance-post-17-*.html")
    return report


def serve(unit: Path, keeper: Subscriber) -> None:
    """Let the post be in service until the department has heard what was done at it, and why."""
    post = Post(load(unit / "post.toml"))
    thread = threading.Thread(target=post.run, daemon=True)
    thread.start()
    try:
        assert keeper.wait_for(lambda all_: bool(_accepted(all_)), timeout=SECONDS)
        trail = [each.data for each in keeper.arrivals if each.data.get("identity") == "r-alvarez"]
        assert [each["action"] for each in trail] == [
            *("technician_session", "view_accepted", "technician_session"),
            *("technician_session", "technician_session", "acceptance"),
        ]
        assert {each["details"]["purpose"] for each in trail} == {PURPOSE}
    finally:
        post.stop()
        thread.join(SECONDS)
    assert not thread.is_alive()


def _accepted(arrivals: Any) -> list[Any]:
    return [each for each in arrivals if each.data.get("action") == "acceptance" and each.data["outcome"] == "success"]


def replace(day: Day, office: Department, units: dict[str, Path], folder: Path) -> None:
    """Give the name of a unit that was hit by lightning to another, and see that the old one is locked out."""
    code = day.invite("post-18", *UNTRIED, "--replace")
    new = folder / "post-18-new"
    given(enroll, "post-18", f"localhost:{office.port}", "--directory", new, typed=code)
    assert day.speaks(new, "post-18")
    assert not may_enter(as_client(units["post-18"]), day)


def may_enter(identity: Path, day: Day) -> bool:
    """Tell whether the broker lets an identity in; while it reads its rights, it may answer no one for a while."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            return is_let_in(identity, day.broker.address)
        except ProvisioningError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def somebody_leaves(day: Day, folder: Path) -> None:
    """See that who has left can do nothing more, in the office or at the broker."""
    leaver = folder / "leaver"
    day.give("person", "add", "k-webb", "--role", "administrator", purpose="deputy")
    leaver.mkdir()
    for path in day.fleet.operator("k-webb").iterdir():
        (leaver / path.name).write_bytes(path.read_bytes())
    assert Person.load(leaver)
    reload_broker(day.fleet, day.reload)
    assert may_enter(leaver, day)
    day.give("person", "expire", "k-webb", purpose="left")
    reload_broker(day.fleet, day.reload)
    assert not may_enter(leaver, day)
    with pytest.raises(NotCertifiedError):
        given(provision, "subscriber", "add", day.directory, "mine", "--as", leaver, "--purpose", "a favor")


def steal(day: Day, unit: Path) -> None:
    """Revoke a post while it is connected: its session ends, and it is not let in again, within ten seconds."""
    rehearsed = day.told("post", "revoke", "post-17", *day.at_the_broker, "--rehearse")
    assert rehearsed["rehearsal"]
    assert "post-17" in day.fleet.posts()
    done = threading.Event()
    with Connection(as_client(unit), broker=day.broker.address) as thief, ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        seen = pool.submit(last_seen, thief, done)
        try:
            day.told("post", "revoke", "post-17", *day.at_the_broker, purpose="stolen")
        finally:
            done.set()
        assert thief.was_ended(within=0)
        assert seen.result() - began < LOCKED_OUT_SECONDS
        assert not may_enter(as_client(unit), day)
    assert day.fleet.posts() == ("post-18", "post-19")
    verifying = read_key(day.fleet.configuration_verifying_key.read_bytes())
    register, _ = open_register(day.fleet.register.read_bytes(), [verifying])
    assert {post.name: post.keys[-1].ended for post in register.posts}["post-17"] == "revoked"
    with pytest.raises(ProvisioningError, match="not a post of this fleet"):
        day.told("post", "revoke", "post-17", *day.at_the_broker)


def last_seen(client: Connection, until: threading.Event) -> float:
    """Return when a client, which connects again and again, was last seen connected."""
    seen = time.monotonic()
    while not until.wait(0.02):
        if client.is_back(within=0):
            seen = time.monotonic()
    return seen

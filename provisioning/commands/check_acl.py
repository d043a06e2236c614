"""`platepost provision fleet check-acl`: that the broker gives everyone their rights, and no one more."""

import functools
import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from platepost.provisioning.brokers.proof import Intrusion, RightsProof
from platepost.provisioning.brokers.proof_cases import GROUP, Case, Principal, cases, impostures, topics
from platepost.provisioning.brokers.rights import Party
from platepost.provisioning.commands.options import BROKER, FLEET, JSON, RELOAD, FleetSession, acting
from platepost.provisioning.fleet.broker_reload import reload_broker
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.layout import GROUPS_FILE
from platepost.provisioning.fleet.reads import READS_FILE, ReadsGrant, write_grant
from platepost.provisioning.fleet.revocation import LIVES, identity, is_let_in, is_refused
from platepost.provisioning.trust.authority import Authority
from platepost.provisioning.trust.key_files import TERMS_FILE
from platepost.provisioning.trust.keys import private_folder, write_private
from platepost.wire.records import CustodianTerms, Purpose, Role

_MADE_UP = re.compile(
    r"proof-(post|other|hearer|reader|member|custodian|second|operator|colleague)-[0-9a-f]{6}|rehearsal-[0-9a-f]{8}"
)
"""Names that no one is given except for minutes."""
_FILES = frozenset({GROUPS_FILE, READS_FILE, TERMS_FILE})
"""All that such a client has in its folder."""

NOT_RELOADED = (
    "The broker may not have taken the rights of this proof's own clients, nor rights that were changed before: "
    "without --reload (or PLATEPOST_BROKER_RELOAD) much looks wrong that is not. mosquitto reads rights when it "
    'starts: try again with --reload "systemctl restart mosquitto".'
)
"""Said where something is wrong and no command was given."""


@click.command(
    epilog="""\b
Examples:
  platepost provision fleet check-acl fleet --reload "systemctl restart mosquitto" --purpose "after the upgrade"
  platepost provision fleet check-acl fleet --broker broker.example:8883 --purpose "monthly" --json
"""
)
@FLEET
@BROKER
@RELOAD
@acting
@JSON
def check_acl(
    *,
    session: FleetSession,
    broker: str | None,
    reload_command: str | None,
    as_json: bool,
) -> None:
    """Test at the running broker what every party may and may not do.

    Temporary clients try every kind of topic and compare the result with the table of rights. Clients that must be
    refused are tried, too. The exit code is 1 if anything is wrong.

    It also reports how a client without rights affects others by subscribing to everything, or through shared
    subscriptions. mosquitto cannot prevent that; with a custodian's receipts, nothing is lost.
    """
    fleet = session.fleet
    address = broker or fleet.broker_address
    rows, intrusions = proved(fleet, address, functools.partial(reload_broker, fleet, reload_command))
    wrong = [row for row in rows if row["is"] != row["should"]]
    session.did(
        "rights_proved",
        object=address,
        outcome="failure" if wrong else "success",
        details={"cases": len(rows), "wrong": len(wrong), "harmed": [one.topic for one in intrusions if one.harm]},
    )
    if as_json:
        tried = [asdict(one) for one in intrusions]
        click.echo(json.dumps({"broker": address, "cases": rows, "wrong": len(wrong), "intrusions": tried}))
    else:
        _show(rows, address)
        for one in intrusions:
            click.echo(_intrusion(one))
    if wrong and reload_command is None:
        click.echo(NOT_RELOADED, err=True)
    if wrong:
        raise SystemExit(1)


def proved(fleet: Fleet, broker: str, reload: Callable[[], None]) -> tuple[list[dict[str, object]], list[Intrusion]]:
    """Try everything; return a row for each case, and what an intruder can do by subscribing.

    A row says who, what, topic, what it should be and what it is.

    Raises:
        ProvisioningError: the broker cannot be reached, or rejects who should be.

    """
    authority = fleet.open_authority()
    mark = secrets.token_hex(3)
    post = Principal(f"proof-post-{mark}", Party.POST)
    other = Principal(f"proof-other-{mark}", Party.POST)
    hearer = Principal(f"proof-hearer-{mark}", Party.SUBSCRIBER)
    reader = Principal(f"proof-reader-{mark}", Party.READER)
    member = Principal(f"proof-member-{mark}", Party.SUBSCRIBER, (GROUP,))
    custodian = Principal(f"proof-custodian-{mark}", Party.CUSTODIAN, (GROUP,))
    second = Principal(f"proof-second-{mark}", Party.CUSTODIAN)
    operator = Principal(f"proof-operator-{mark}", Party.OPERATOR)
    colleague = Principal(f"proof-colleague-{mark}", Party.OPERATOR)
    actors = (post, other, hearer, reader, member, custodian, second, operator, colleague)
    publisher = Principal("department", Party.PUBLISHER)
    with ExitStack() as stack:
        stack.enter_context(_admitted(fleet, actors, reload))
        folders = {one: stack.enter_context(identity(fleet, authority, one.name, role=_role(one))) for one in actors}
        folders[publisher] = fleet.publisher
        rows = _strangers(fleet, authority, post, own=folders[post], broker=broker, reload=reload)
        everybody = (*actors, publisher)
        names = (operator.name, custodian.name)
        expected = list(cases(fleet.agency, everybody, topics(fleet.agency, post.name, *names)))
        expected += impostures(fleet.agency, everybody, *names)
        with RightsProof(folders, broker=broker) as trial:
            observed = trial.happened(expected)
            intrusions = trial.intrude(hearer, reader, other, agency=fleet.agency)
    return rows + [_row(case, observed[case], actors, mark) for case in expected], intrusions


def _strangers(
    fleet: Fleet, authority: Authority, post: Principal, *, own: Path, broker: str, reload: Callable[[], None]
) -> list[dict[str, object]]:
    """Try who is let in at all."""
    rows = [_entry("post", "its own certificate", should=True, found=is_let_in(own, broker))]
    foreign = Authority.create(fleet.agency)
    with identity(fleet, foreign, post.name) as folder:
        (folder / "ca.pem").write_bytes(authority.pem)
        rows.append(_entry("post", "another authority's certificate", should=False, found=is_let_in(folder, broker)))
    unregistered = f"{post.name}-gone"
    with identity(fleet, authority, unregistered) as folder:
        fleet.revoke_certificates(unregistered, "proof", authority=authority)
        reload()
        rows.append(_entry("post", "a revoked certificate", should=False, found=not is_refused(folder, broker)))
    return rows


@contextmanager
def _admitted(fleet: Fleet, actors: tuple[Principal, ...], reload: Callable[[], None]) -> Iterator[None]:
    """Have the clients of the proof in the fleet for as long as it takes."""
    places = {
        Party.POST: fleet.post,
        Party.SUBSCRIBER: fleet.subscriber,
        Party.READER: fleet.subscriber,
        Party.CUSTODIAN: fleet.custodian,
        Party.OPERATOR: fleet.operator,
    }
    _clear_away(fleet)
    registered = []
    try:
        for one in actors:
            folder = private_folder(places[one.party](one.name))
            registered.append(folder)
            if one.party is Party.CUSTODIAN:
                terms = CustodianTerms(name=one.name, groups=one.groups, required=False)
                fleet.keys(Purpose.CUSTODY, one.name).write_terms(terms)
            elif one.party in {Party.SUBSCRIBER, Party.READER}:
                write_grant(folder, ReadsGrant("proof", date.max) if one.party is Party.READER else None)
            if one.party is Party.SUBSCRIBER and one.groups:
                write_private(folder / GROUPS_FILE, "".join(f"{group}\n" for group in one.groups).encode())
        reload()
        yield
    finally:
        for folder in registered:
            _take_away(folder)
        reload()


def _clear_away(fleet: Fleet) -> None:
    """Take away the clients of former proofs, and of rehearsals, that were killed: they have no identity any more."""
    over = time.time() - LIVES.total_seconds()
    for kind in ("posts", "subscribers", "custody", "operators"):
        for folder in (fleet.directory / kind).glob("*"):
            left = {path.name for path in folder.iterdir()} <= _FILES and folder.stat().st_mtime < over
            if left and _MADE_UP.fullmatch(folder.name):
                _take_away(folder)


def _take_away(folder: Path) -> None:
    for name in _FILES:
        (folder / name).unlink(missing_ok=True)
    folder.rmdir()


def _role(one: Principal) -> str | None:
    return Role.TECHNICIAN.value if one.party is Party.OPERATOR else None


def _entry(who: str, what: str, *, should: bool, found: bool) -> dict[str, object]:
    return {"who": who, "does": "connect", "topic": what, "should": should, "is": found}


def _row(case: Case, found: bool, actors: tuple[Principal, ...], mark: str) -> dict[str, object]:  # noqa: FBT001 - a result
    who = _short(case.actor, mark)
    topic = (
        case.topic.replace(f"/{case.actor.name}/", "/{itself}/") if case.actor.party is not Party.POST else case.topic
    )
    for actor in actors:
        topic = topic.replace(actor.name, f"{{{_short(actor, mark)}}}")
    return {"who": who, "does": case.access, "topic": topic, "should": case.allowed, "is": found}


def _short(actor: Principal, mark: str) -> str:
    return actor.name.removeprefix("proof-").removesuffix(f"-{mark}")


def _intrusion(one: Intrusion) -> str:
    if not one.granted:
        return f"A client without the right that subscribes to {one.topic} is refused."
    harm = one.harm or "no one suffers from it"
    return f"A client without the right that subscribes to {one.topic} is accepted, but receives nothing; {harm}."


def _show(rows: list[dict[str, object]], address: str) -> None:
    table = Table("who", "does", "topic", "may", "", title=f"Rights at {address}")
    for row in rows:
        good = row["should"] == row["is"]
        verdict = "[green]proved[/green]" if good else "[red]WRONG[/red]"
        table.add_row(str(row["who"]), str(row["does"]), str(row["topic"]), "yes" if row["should"] else "no", verdict)
    Console().print(table)
    wrong = sum(row["should"] != row["is"] for row in rows)
    click.echo(f"{len(rows)} tried, {wrong} not as they should be.")

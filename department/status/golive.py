"""What a department still lacks before it goes live, each with the page that mends it: no plate, no person."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from platepost.department.database.queries import rows
from platepost.department.lists.models import ListRequest
from platepost.department.lists.posts import post_reports
from platepost.department.people.authorization import authorizations
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import DepartmentRole, Permission
from platepost.department.people.services import TWO, can_approve
from platepost.department.sharing.clauses import evidence
from platepost.department.status.nightly import RestoreTest, nightly_problems, read_report
from platepost.department.web.moments import minute

UTC_ZONES = frozenset({"UTC", "Etc/UTC", "GMT", "Etc/GMT", "Etc/UCT", "UCT", "Zulu"})


@dataclass(frozen=True, slots=True)
class GoLiveItem:
    """Something that a department needs, and whether it has it."""

    what: str
    met: bool
    detail: str
    """What is there, or what to do."""
    route: str | None = None
    """The name of the page that mends it; None where only a setting or a command does."""


def go_live_items(at: datetime, *, nightly: Path | None) -> list[GoLiveItem]:
    """Return what a department needs, in the order of a set-up, by what the web role may see."""
    return [*_settings(), *_people(), *_posts(at), *_safety(at, nightly)]


def _settings() -> Iterator[GoLiveItem]:
    facts = settings.GO_LIVE
    yield GoLiveItem(
        _("Name and contact"),
        bool(settings.DEPARTMENT_NAME and settings.CONTACT),
        settings.DEPARTMENT_NAME or _("Set name and contact in department.toml: pages and notices show them."),
    )
    yield GoLiveItem(
        _("Time zone"),
        settings.TIME_ZONE not in UTC_ZONES,
        settings.TIME_ZONE
        if settings.TIME_ZONE not in UTC_ZONES
        else _("All pages show UTC. Set timezone in department.toml, such as America/Los_Angeles, and run upgrade."),
    )
    yield GoLiveItem(
        _("Address with TLS"),
        bool(facts.get("hosts")),
        ", ".join(facts.get("hosts", ()))
        or _("Only this machine reaches the pages, by plain HTTP. Put a web server with TLS in front, and set hosts."),
    )


def _people() -> Iterator[GoLiveItem]:
    able = can_approve()
    yield GoLiveItem(
        _("Two people who approve access"),
        able >= TWO,
        _("%(count)s administrators and supervisors") % {"count": able},
        "people",
    )
    current = authorizations(DepartmentPerson.objects.filter(disabled_at=None))
    answering = sum(
        authorization.may(Permission.ANSWER_HITS) and authorization.person.last_login is not None
        for authorization in current
    )
    yield GoLiveItem(
        _("Two people who may answer hits and have signed in"),
        answering >= TWO,
        _("%(count)s are certified, trained, and have signed in; a look-alike needs a second person, at night too")
        % {"count": answering},
        "people",
    )
    for role, what in ((DepartmentRole.TRAINER, _("A trainer")), (DepartmentRole.AUDITOR, _("An auditor")),
                       (DepartmentRole.RECORDS_MANAGER, _("A records manager"))):  # fmt: skip
        count = sum(role in authorization.roles for authorization in current)
        yield GoLiveItem(what, count > 0, _("%(count)s people") % {"count": count}, "people")
    unmet = [clause_evidence.clause.id for clause_evidence in evidence() if not clause_evidence.is_met]
    yield GoLiveItem(
        _("The policy, published and met"),
        not unmet,
        _("Not met: %(clauses)s") % {"clauses": ", ".join(unmet)} if unmet else _("All clauses are met."),
        "policy",
    )


def _posts(at: datetime) -> Iterator[GoLiveItem]:
    reports = post_reports(at)
    silent = [report.post for report in reports if report.is_silent]
    yield GoLiveItem(
        _("Posts report"),
        bool(reports) and not silent,
        _("%(count)s posts, silent: %(silent)s") % {"count": len(reports), "silent": ", ".join(silent) or _("none")}
        if reports
        else _("No post has reported yet. See docs/units.md."),
        "status",
    )
    behind, held = [report.post for report in reports if report.is_behind], ListRequest.held_since()
    yield GoLiveItem(
        _("Posts have the newest hot list"),
        bool(reports) and not behind and held is None,
        _("A list has been held since %(at)s.") % {"at": minute(held)}
        if held
        else _("Without it: %(posts)s") % {"posts": ", ".join(behind) or _("none")},
        "lists",
    )
    ((hit, tested),) = rows(
        "SELECT EXISTS (SELECT FROM alerts_alert WHERE covert_group IS NULL),"
        " EXISTS (SELECT FROM custody_synthetic_kept())"
    )
    yield GoLiveItem(
        _("A hit, or a post's own test hit, came all the way"),
        hit or tested,
        _("A hit came.") if hit else _("A post's test hit came.") if tested else _("None yet."),
        "status",
    )


def _safety(at: datetime, nightly: Path | None) -> Iterator[GoLiveItem]:
    facts = settings.GO_LIVE
    yield GoLiveItem(
        _("Backups to another disk"),
        bool(facts.get("backups")),
        facts.get("backups") or _("Set backups and backup_keys in department.toml. See docs/backups.md."),
    )
    wrong = nightly_problems(nightly, at) if nightly else {}
    yield GoLiveItem(
        _("The nightly job"),
        not wrong,
        "; ".join(f"{step}: {why}" for step, why in wrong.items()) or _("It ran, and every step was done."),
        "status",
    )
    report = read_report(nightly) if nightly else None
    test = report.restore if report else None
    yield GoLiveItem(_("A backup restored as a test"), test is not None and test.intact, _result(test), "status")
    yield GoLiveItem(
        _("A witness stamps the log's checkpoints"),
        bool(facts.get("witness")),
        facts.get("witness") or _("Set witness and witness_root in department.toml. See docs/ledger.md."),
    )


def _result(test: RestoreTest | None) -> str:
    if test is None:
        return _("None yet, or nightly has not seen it. See docs/backups.md for the monthly restore test.")
    when = {"at": minute(test.at)}
    return _("On %(at)s: everything was there.") % when if test.intact else _("On %(at)s: something was wrong.") % when

"""Pages about people: who there is, what each may and lacks, and changes of it."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from platepost.department.people import services
from platepost.department.people.access import CurrentRequest, View, accepted, needs
from platepost.department.people.authorization import Authorization, authorization_of, authorizations
from platepost.department.people.bulk import waiting_lists
from platepost.department.people.device import device_of
from platepost.department.people.forms import (
    CertificateForm,
    ConsoleForm,
    PeopleFilterForm,
    PersonForm,
    RequestDecisionForm,
    RoleForm,
    TrainingForm,
)
from platepost.department.people.models import AccessRequest, DepartmentPerson, DispatchConsole
from platepost.department.people.rights import CONSOLE_ONLY, DepartmentRole, Permission

SHOWN = 500
"""People of a page."""


@needs(Permission.SEE_PEOPLE)
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Show everyone, what they are and what they lack."""
    form = PeopleFilterForm(request.GET)
    filters = form.cleaned_data if form.is_valid() else {}
    waiting = AccessRequest.objects.filter(decided_at=None)
    of_lists = list(waiting_lists())
    alone_waiting = waiting.filter(batch=None).values_list("person__login", flat=True)
    everybody = filtered_people(filters)
    shown = {
        "form": form,
        "people": everybody[:SHOWN],
        "count": len(everybody),
        "of": DepartmentPerson.objects.count(),
        "waiting": sorted(set(alone_waiting)),
        "lists": of_lists,
        "alone": services.can_approve() < services.TWO,
    }
    return render(request, "people/people.html", shown)


def filtered_people(filters: Mapping[str, Any]) -> list[Authorization]:
    """Return the people whom some filters of `PeopleFilterForm` leave, by log-in."""
    chosen = DepartmentPerson.objects.order_by("login")
    for word in filters.get("text", "").split():
        chosen = chosen.filter(Q(login__icontains=word) | Q(name__icontains=word) | Q(badge__icontains=word))
    if filters.get("role"):
        chosen = chosen.filter(grants__role=filters["role"], grants__ended_at=None)
    which = filters.get("which")
    if which == "never":
        chosen = chosen.filter(last_login=None, disabled_at=None)
    elif which == "waiting":
        chosen = chosen.filter(requests__decided_at=None, requests__isnull=False)
    elif which == "disabled":
        chosen = chosen.exclude(disabled_at=None)
    current = authorizations(chosen.distinct())
    return [authorization for authorization in current if which != "lacks" or authorization.lacks_for_duty()]


@needs(Permission.MANAGE_PEOPLE)
def add(request: CurrentRequest) -> HttpResponse:
    """Add a person."""
    form = PersonForm(request.POST or None, initial={"agency": request.user.agency})
    rows: list[tuple[DepartmentPerson, services.Invitation]] = []

    def added(fields: Mapping[str, Any]) -> None:
        person = DepartmentPerson(**{name: value for name, value in fields.items() if name != "roles"})
        rows.append((person, services.add_person(person, fields["roles"], request.user)))

    if form.is_bound and accepted(form, added):
        ((person, invitation),) = rows
        return _shown(request, person, invitation=invitation)
    return render(request, "people/add.html", {"form": form}, status=422 if form.is_bound else 200)


@needs(Permission.SEE_PEOPLE)
@require_safe
def person(request: HttpRequest, login: str) -> HttpResponse:
    """Show one person: roles, certificates and training, with the forms that change them."""
    return _shown(request, get_object_or_404(DepartmentPerson, login=login))


def _change(
    permission: Permission,
    form: type[forms.Form],
    change: Callable[[DepartmentPerson, Mapping[str, Any], DepartmentPerson], object],
) -> View:
    """Make a view that changes a person as a form says, and shows them; a code where the change returns one."""

    @needs(permission)
    @require_POST
    def changed(request: CurrentRequest, login: str) -> HttpResponse:
        who = get_object_or_404(DepartmentPerson, login=login)
        posted_form = form(request.POST)
        done: list[object] = []
        if not accepted(posted_form, lambda cleaned: done.append(change(who, cleaned, request.user))):
            return _shown(request, get_object_or_404(DepartmentPerson, login=login), refused=posted_form)
        invitation = done[0]
        return (
            _shown(request, who, invitation=invitation)
            if isinstance(invitation, services.Invitation)
            else redirect("person", login)
        )

    return changed


_MANAGE = Permission.MANAGE_PEOPLE
give_role = _change(_MANAGE, RoleForm, lambda who, fields, by: services.give_role(who, fields["role"], by))
end_role = _change(_MANAGE, RoleForm, lambda who, fields, by: services.end_role(who, fields["role"], by))
note_certificate = _change(
    _MANAGE,
    CertificateForm,
    lambda who, fields, by: services.note_certificate(who, fields["certification"], _begin(fields["expires"]), by),
)
note_training = _change(
    Permission.NOTE_TRAINING,
    TrainingForm,
    lambda who, fields, by: services.note_training(
        who, fields["topic"], held_at=_begin(fields["held"]), passed=fields["result"] == "passed", trainer=by
    ),
)
decide = _change(
    Permission.APPROVE_PEOPLE,
    RequestDecisionForm,
    lambda who, fields, by: services.decide(
        get_object_or_404(who.requests, pk=fields["request"].pk), by, approve=fields["decision"] == "approve"
    ),
)
invite = _change(_MANAGE, forms.Form, lambda who, _, by: services.invite(who, by))
disable = _change(Permission.DISABLE_PERSON, forms.Form, lambda who, _, by: services.disable(who, by))
reinstate = _change(_MANAGE, forms.Form, lambda who, _, by: services.reinstate(who, by))
release = _change(Permission.RELEASE_LOCK, forms.Form, lambda who, _, by: services.release(who, by))


@needs(Permission.NAME_CONSOLE)
def consoles(request: CurrentRequest) -> HttpResponse:
    """Show the dispatch consoles, and name this browser one, or end one."""
    form = ConsoleForm(request.POST or None)
    here = device_of(request)
    if request.method == "POST":
        number = request.POST.get("end", "")
        if number.isdecimal() and len(number) < 19:
            services.end_console(get_object_or_404(DispatchConsole, pk=int(number)), request.user)
            return redirect("consoles")
        if here is not None and accepted(
            form, lambda cleaned: services.name_console(here, cleaned["name"], request.user)
        ):
            return redirect("consoles")
    dispatch_consoles = DispatchConsole.objects.filter(ended_at=None).select_related("named_by").order_by("name")
    return render(request, "people/consoles.html", {"consoles": dispatch_consoles, "here": here, "form": form})


def _shown(
    request: HttpRequest,
    who: DepartmentPerson,
    *,
    invitation: services.Invitation | None = None,
    refused: forms.Form | None = None,
) -> HttpResponse:
    current = authorization_of(who)
    shown = {
        "person": who,
        "of": current,
        "overseer": bool(current.roles & CONSOLE_ONLY),
        "auditor": DepartmentRole.AUDITOR in current.roles,
        "lacks": current.lacks_for_duty(),
        "certificates": who.certificates.order_by("-noted_at").select_related("noted_by", "approved_by"),
        "training": who.training.order_by("-held_at", "-id").select_related("trainer"),
        "exercises": who.exercises.order_by("-done_at", "topic")[:20],
        "locked": who.locks.filter(released_at=None).exists(),
        "forms": {"role": RoleForm(), "certificate": CertificateForm(), "training": TrainingForm()},
        "waiting": who.requests.filter(decided_at=None).select_related("requested_by"),
        "invitation": invitation,
        "refused": refused,
    }
    return render(request, "people/person.html", shown, status=422 if refused else 200)


def _begin(day: date) -> datetime:
    """Return when a day begins where the department is."""
    return timezone.make_aware(datetime.combine(day, time.min))

"""Pages about people: who there is, what each may and lacks, and changes of it."""

from collections.abc import Callable
from datetime import date, datetime, time

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from department.people import services
from department.people.access import CurrentRequest, needs
from department.people.currency import currencies, currency_of
from department.people.device import device_of
from department.people.errors import PersonError
from department.people.forms import CertificateForm, ConsoleForm, PersonForm, RoleForm, TrainingForm
from department.people.models import DepartmentPerson, DispatchConsole
from department.people.rights import Certification, DepartmentRole, Permission, TrainingTopic


@needs(Permission.SEE_PEOPLE)
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Show everybody, what they are and what they lack."""
    return render(request, "people/people.html", {"people": currencies(DepartmentPerson.objects.order_by("login"))})


@needs(Permission.MANAGE_PEOPLE)
def add(request: CurrentRequest) -> HttpResponse:
    """Add a person."""
    form = PersonForm(request.POST or None, initial={"agency": request.user.agency, "sponsor": request.user})
    if request.method == "POST" and form.is_valid():
        said = dict(form.cleaned_data)
        roles = map(DepartmentRole, said.pop("roles"))
        made = DepartmentPerson(**said)
        try:
            code = services.add_person(made, roles, request.user)
        except PersonError as error:
            form.add_error(None, str(error))
        else:
            return _shown(request, made, code=code)
    return render(request, "people/add.html", {"form": form})


@needs(Permission.SEE_PEOPLE)
@require_safe
def person(request: HttpRequest, login: str) -> HttpResponse:
    """Show one person: roles, certificates and training, with the forms that change them."""
    return _shown(request, get_object_or_404(DepartmentPerson, login=login))


@needs(Permission.MANAGE_PEOPLE)
@require_POST
def give_role(request: CurrentRequest, login: str) -> HttpResponse:
    """Give a role."""
    return _by_form(
        request, login, RoleForm(request.POST), lambda who, said: services.give_role(who, said["role"], request.user)
    )


@needs(Permission.MANAGE_PEOPLE)
@require_POST
def end_role(request: CurrentRequest, login: str) -> HttpResponse:
    """End a role."""
    return _by_form(
        request,
        login,
        RoleForm(request.POST),
        lambda who, said: services.end_role(who, DepartmentRole(said["role"]), request.user),
    )


@needs(Permission.MANAGE_PEOPLE)
@require_POST
def note_certificate(request: CurrentRequest, login: str) -> HttpResponse:
    """Note a certificate."""
    return _by_form(
        request,
        login,
        CertificateForm(request.POST),
        lambda who, said: services.note_certificate(
            who, Certification(said["certification"]), _begin(said["expires"]), request.user
        ),
    )


@needs(Permission.NOTE_TRAINING)
@require_POST
def note_training(request: CurrentRequest, login: str) -> HttpResponse:
    """Note a result of training; whoever is logged in is the trainer."""
    return _by_form(
        request,
        login,
        TrainingForm(request.POST),
        lambda who, said: services.note_training(
            who,
            TrainingTopic(said["topic"]),
            held_at=_begin(said["held"]),
            passed=said["result"] == "passed",
            trainer=request.user,
        ),
    )


@needs(Permission.MANAGE_PEOPLE)
@require_POST
def invite(request: CurrentRequest, login: str) -> HttpResponse:
    """Invite a person anew, and show the code once."""
    return _changed(request, login, lambda who: services.invite(who, request.user))


@needs(Permission.DISABLE_PERSON)
@require_POST
def disable(request: CurrentRequest, login: str) -> HttpResponse:
    """Disable a person now."""
    return _changed(request, login, lambda who: services.disable(who, request.user))


@needs(Permission.MANAGE_PEOPLE)
@require_POST
def reinstate(request: CurrentRequest, login: str) -> HttpResponse:
    """Give a person access again."""
    return _changed(request, login, lambda who: services.reinstate(who, request.user))


@needs(Permission.RELEASE_LOCK)
@require_POST
def release(request: CurrentRequest, login: str) -> HttpResponse:
    """Release a person's locks."""
    return _changed(request, login, lambda who: services.release(who, request.user))


@needs(Permission.NAME_CONSOLE)
def consoles(request: CurrentRequest) -> HttpResponse:
    """Show the dispatch consoles, and name this browser one, or end one."""
    form = ConsoleForm(request.POST or None)
    here = device_of(request)
    if request.method == "POST":
        if "end" in request.POST:
            services.end_console(request.POST["end"], request.user)
            return redirect("consoles")
        if here is not None and form.is_valid():
            services.name_console(here, form.cleaned_data["name"], request.user)
            return redirect("consoles")
    found = DispatchConsole.objects.filter(ended_at=None).select_related("named_by").order_by("name")
    return render(request, "people/consoles.html", {"consoles": found, "here": here, "form": form})


def _shown(
    request: HttpRequest, who: DepartmentPerson, *, code: str = "", error: str = "", status: int = 200
) -> HttpResponse:
    shown = {
        "person": who,
        "of": currency_of(who),
        "lacks": currency_of(who).lacks_for_duty(),
        "certificates": who.certificates.order_by("-noted_at").select_related("noted_by"),
        "training": who.training.order_by("-held_at", "-id").select_related("trainer"),
        "exercises": who.exercises.order_by("-done_at", "topic")[:20],
        "locked": who.locks.filter(released_at=None).exists(),
        "forms": {"role": RoleForm(), "certificate": CertificateForm(), "training": TrainingForm()},
        "code": code,
        "error": error,
    }
    return render(request, "people/person.html", shown, status=status)


def _by_form(
    request: HttpRequest, login: str, form: RoleForm | CertificateForm | TrainingForm, change: Callable[..., object]
) -> HttpResponse:
    """Change a person by a form."""
    if not form.is_valid():
        who = get_object_or_404(DepartmentPerson, login=login)
        return _shown(
            request, who, error="; ".join(f"{name}: {' '.join(map(str, said))}" for name, said in form.errors.items())
        )
    return _changed(request, login, lambda who: change(who, form.cleaned_data))


def _changed(request: HttpRequest, login: str, change: Callable[[DepartmentPerson], object]) -> HttpResponse:
    """Change a person and show them; the code where the change returns one, or why it was refused."""
    who = get_object_or_404(DepartmentPerson, login=login)
    try:
        said = change(who)
    except PersonError as error:
        return _shown(request, get_object_or_404(DepartmentPerson, login=login), error=str(error), status=409)
    return _shown(request, who, code=said) if isinstance(said, str) else redirect("person", login)


def _begin(day: date) -> datetime:
    """Return when a day begins where the department is."""
    return timezone.make_aware(datetime.combine(day, time.min))

"""Pages of the policy: as people read it, and each clause with its evidence; the law, and publishing it."""

from collections.abc import Callable

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from platepost.department.people.access import CurrentRequest, accepted, needs
from platepost.department.people.rights import Permission
from platepost.department.policy.law import NO_CEILING
from platepost.department.policy.policy import policy_in_force
from platepost.department.sharing import clauses, laws
from platepost.department.sharing.forms import PublishForm
from platepost.department.sharing.models import PolicyVersion
from platepost.department.sharing.public_page import (
    PublicAbout,
    ShownVersion,
    changes_between,
    policy_document,
    shown_version,
)
from platepost.department.web.pdf import PdfError, pdf_of


@needs(Permission.SEE_STATUS)
@require_safe
def policy(request: HttpRequest) -> HttpResponse:
    """Show each clause with its control and its evidence, and the published versions of the policy."""
    return _policy(request, PublishForm())


@needs(Permission.RELEASE_RECORDS)
@require_POST
def propose_law(request: CurrentRequest) -> HttpResponse:
    """Propose that the law of the policy file binds the department."""
    return _change_law(request, laws.propose_law)


@needs(Permission.CONFIRM_AGREEMENTS)
@require_POST
def confirm_law(request: CurrentRequest) -> HttpResponse:
    """Be the second person for the law that waits."""
    return _change_law(request, laws.confirm_law)


def _change_law(request: CurrentRequest, change: Callable[..., object]) -> HttpResponse:
    form = forms.Form(request.POST)
    if accepted(form, lambda _: change(person=request.user.login)):
        return redirect("policy")
    return _policy(request, PublishForm(), refused=form)


@needs(Permission.RELEASE_RECORDS)
@require_POST
def publish(request: CurrentRequest) -> HttpResponse:
    """Publish the policy as it is in force."""
    form = PublishForm(request.POST)
    if accepted(form, lambda cleaned: clauses.publish_policy(person=request.user.login, **cleaned)):
        return redirect("policy")
    return _policy(request, form)


def _policy(request: HttpRequest, form: forms.Form, *, refused: forms.Form | None = None) -> HttpResponse:
    policy = policy_in_force()
    shown = {
        "evidence": clauses.evidence(),
        "policy": policy,
        "law": policy.law,
        "no_ceiling": NO_CEILING,
        "bound": laws.bound_law(),
        "law_differs": laws.law_differs(),
        "waiting_law": laws.waiting_law(),
        "versions": PolicyVersion.objects.all(),
        "form": form,
        "refused": refused,
    }
    return render(request, "sharing/policy.html", shown, status=409 if form.is_bound or refused else 200)


@needs(Permission.SEE_STATUS)
@require_safe
def policy_text(request: HttpRequest) -> HttpResponse:
    """Show the policy in force as people read it, and what differs from the version that was published last."""
    version, published = _in_force()
    shown = {"version": version, "published": published, "changes": changes_between(published, version)}
    return render(request, "sharing/policy_text.html", shown)


@needs(Permission.SEE_STATUS)
@require_safe
def policy_pdf(request: HttpRequest) -> HttpResponse:
    """Give the policy in force as PDF."""
    version, _published = _in_force()
    try:
        pdf = pdf_of(policy_document(version, about()))
    except PdfError as error:
        return render(request, "sharing/policy_text.html", {"version": version, "error": error}, status=503)
    name = f'attachment; filename="policy-{version.digest}.pdf"'
    return HttpResponse(pdf, "application/pdf", headers={"Content-Disposition": name})


def about() -> PublicAbout:
    """Return what the department states of itself."""
    return PublicAbout(settings.AGENCY, settings.DEPARTMENT_NAME, settings.CONTACT, zone=settings.TIME_ZONE)


def _in_force() -> tuple[ShownVersion, ShownVersion | None]:
    """Return the policy in force, and the version that was published last before it."""
    policy = policy_in_force()
    toml = settings.POLICY_FILE.read_text("utf-8")
    mine = PolicyVersion.objects.filter(digest=policy.digest).first()
    hearing_date = mine.hearing if mine else timezone.localdate()
    earlier = PolicyVersion.objects.exclude(digest=policy.digest)
    if mine:
        earlier = earlier.filter(at__lt=mine.at)
    last = earlier.first()
    version = shown_version(policy.digest, toml, hearing_date, about())
    published = shown_version(last.digest, last.says, last.hearing, about()) if last is not None else None
    return version, published

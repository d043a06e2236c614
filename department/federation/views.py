"""The page of partner departments: who they are, and what was asked and answered."""

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from platepost.department.federation.answering import own_identity
from platepost.department.federation.asking import demand_case
from platepost.department.federation.forms import CaseForm, PartnerForm
from platepost.department.federation.models import FederatedExchange, PartnerDepartment
from platepost.department.federation.partners import name_partner
from platepost.department.people.access import CurrentRequest, FormActs, done_by_form, needs
from platepost.department.people.rights import Permission

EXCHANGES = 50
"""That the page lists."""


@needs(Permission.ANSWER_REQUESTS)
@require_safe
def partners(request: HttpRequest) -> HttpResponse:
    """Show partners and the last exchanges."""
    return _page(request)


@needs(Permission.RELEASE_RECORDS)
@require_POST
def change_partners(request: CurrentRequest, what: str) -> HttpResponse:
    """Name a partner, or demand the case number of a query."""
    person = request.user.login

    def demand(form: CaseForm) -> None:
        number, because = form.cleaned_data["exchange"], form.cleaned_data["because"]
        exchange = get_object_or_404(FederatedExchange, pk=number, side="answered", case_number=None)
        demand_case(exchange, person=person, because=because)

    acts: FormActs = {
        "name": (PartnerForm, lambda form: name_partner(**form.cleaned_data, person=person)),
        "case": (CaseForm, demand),
    }
    form, done = done_by_form(request, acts, what)
    return redirect("partners") if done else _page(request, form)


def _page(request: HttpRequest, bound: forms.Form | None = None) -> HttpResponse:
    identity = own_identity()
    shown = {
        "partners": PartnerDepartment.objects.select_related("agency").prefetch_related("agency__agreements"),
        "exchanges": [
            (exchange, CaseForm(initial={"exchange": exchange.pk}, auto_id=f"case-{exchange.pk}_%s"))
            for exchange in FederatedExchange.objects.all()[:EXCHANGES]
        ],
        "form": bound if isinstance(bound, PartnerForm) else PartnerForm(),
        "refused": bound,
        "today": timezone.localdate(),
        "agency": settings.AGENCY,
        "certificate": identity.certificate.read_text("ascii") if identity.certificate.exists() else "",
    }
    return render(request, "federation/partners.html", shown, status=409 if bound else 200)

"""The pages of evidence: what a person collects for a case, its package, and where that went.

A page that shows the reads is an entry of the access log, under the purpose and the case for which they are collected.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from pydantic import ValidationError

from platepost.department.archive import evidence_cart as services
from platepost.department.archive.evidence import rendered
from platepost.department.archive.evidence_cart import EvidenceCart
from platepost.department.archive.holds import holds_of
from platepost.department.archive.redaction import AREAS, AREAS_MOST, RedactedArea
from platepost.department.archive.views import chosen_reads
from platepost.department.custody.read_fields import shown_vehicle
from platepost.department.custody.reading import ReadFilter, ShownRow, picture_kinds, reads
from platepost.department.errors import OperationRefusedError
from platepost.department.people.access import REFRESH, CurrentRequest, accepted, needs
from platepost.department.people.rights import Permission
from platepost.department.policy.errors import PurposeError
from platepost.department.policy.policy import AccessPurpose
from platepost.department.search.places import Places
from platepost.department.search.stored import opened_entry, session_of
from platepost.department.search.tickets import PictureTicket, give_ticket
from platepost.department.web.pdf import pdf_answer

_PICTURES = {"patch": _("The plate"), "overview": _("The scene")}
_KEY = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})  # without autocomplete, Back would clear it
_LARGEST_KEY = 20_000


class RecipientForm(forms.Form):
    """For whom a package is encrypted."""

    recipient = forms.CharField(
        label=_("Public key of the recipient"),
        max_length=_LARGEST_KEY,
        widget=_KEY,
        help_text=_("A line of age (age1...), an SSH key, or an X.509 certificate (PEM). Ask the recipient for it."),
    )


class BookingForm(forms.Form):
    """Where a package went, or that it came back."""

    direction = forms.ChoiceField(
        label=_("Booking"), choices=[("out", _("Out: handed over")), ("in", _("In: came back"))]
    )
    receipt = forms.CharField(label=_("Property number"), max_length=64)
    medium = forms.CharField(label=_("Medium"), max_length=120, help_text=_("Such as USB drive 17."))
    by = forms.CharField(label=_("Handed to, or received from"), max_length=120)
    digest = forms.CharField(
        label=_("SHA-256 of the file on the medium"),
        max_length=64,
        help_text=_("Choose the file below and the browser computes it, or type it."),
    )


class RedactionForm(forms.Form):
    """What is covered in a picture."""

    kind = forms.ChoiceField(choices=[*_PICTURES.items()])
    areas = forms.CharField(max_length=10_000, required=False)

    def clean_areas(self) -> tuple[RedactedArea, ...]:
        """Return the areas, which the page's script wrote."""
        try:
            areas = AREAS.validate_json(self.cleaned_data["areas"] or "[]")
        except ValidationError as error:
            raise forms.ValidationError(_("The areas cannot be read. Reload the page and draw them again.")) from error
        if len(areas) > AREAS_MOST:
            raise forms.ValidationError(_("A picture has 50 areas at most."))
        return areas


@needs(Permission.PLACE_HOLD)
@require_safe
def carts(request: CurrentRequest) -> HttpResponse:
    """List what the person has collected."""
    return render(request, "archive/evidence.html", {"carts": services.carts_of(request.user.login)})


@needs(Permission.PLACE_HOLD)
@require_POST
def add(request: CurrentRequest) -> HttpResponse:
    """Add reads that a search has listed to what is collected for its case."""
    query, records = chosen_reads(request)
    purpose, case = (next(iter(query.fields.get(name, ())), "") for name in ("purpose", "case"))
    if not records:
        return redirect("search_results", query.id)
    try:
        cart = services.collect(person=request.user.login, purpose=purpose, case=case, records=records)
    except OperationRefusedError as error:
        context = {"carts": services.carts_of(request.user.login), "refused": error, "query": query.id}
        return render(request, "archive/evidence.html", context, status=409)
    return redirect("evidence_cart", cart)


@needs(Permission.PLACE_HOLD)
@require_safe
def cart(request: CurrentRequest, cart: UUID) -> HttpResponse:
    """Show what is collected for a case, how far its package is, and the forms of what can be done next."""
    return _page(request, _cart(request, cart))


@needs(Permission.PLACE_HOLD)
@require_POST
def change(request: CurrentRequest, cart: UUID) -> HttpResponse:
    """Take records out of what is collected."""
    found = _cart(request, cart)
    numbers = [int(number) for number in request.POST.getlist("record") if number.isdecimal() and len(number) < 19]
    form = forms.Form({})
    if accepted(form, lambda _: services.leave_out(found, numbers)):
        return redirect("evidence_cart", cart)
    return _page(request, found, refused=form)


@needs(Permission.EXPORT)
@require_http_methods(["GET", "HEAD", "POST"])
def redact(request: CurrentRequest, cart: UUID, record: int) -> HttpResponse:
    """Show the pictures of a record, to cover areas of them in the package; by POST save those of one picture."""
    found = _cart(request, cart)
    form = RedactionForm(request.POST if request.method == "POST" else None)
    if not found.is_open or record not in found.records:
        raise Http404
    if request.method == "POST" and accepted(form, lambda given: services.redact(found, record, **given)):
        return redirect("evidence_redact", cart, record)
    purpose, session = AccessPurpose(found.purpose, found.case_number), session_of(request)
    with opened_entry(request, purpose, {"redact": record}) as entry:
        pictures = [
            {
                "kind": kind,
                "label": _PICTURES[kind],
                "ticket": give_ticket(session, PictureTicket((record,), kind, purpose, str(entry.entry))),
                "areas": _areas(found, record, kind),
            }
            for kind in dict.fromkeys(picture_kinds(entry, record))
        ]
        context = {"cart": found, "record": record, "pictures": pictures, "form": form}
        return render(request, "archive/evidence_redact.html", context, status=422 if form.errors else 200)


def _areas(cart: EvidenceCart, record: int, kind: str) -> list[dict[str, Any]]:
    covered = (redaction.areas for redaction in cart.redactions if (redaction.record, redaction.kind) == (record, kind))
    return [area.model_dump() for area in next(covered, ())]


@needs(Permission.EXPORT)
@require_POST
def order_package(request: CurrentRequest, cart: UUID) -> HttpResponse:
    """Order the package, encrypted to one recipient."""
    found, form = _cart(request, cart), RecipientForm(request.POST)
    person = request.user
    try:
        if accepted(
            form, lambda given: services.order(found, agency=person.agency, recipient=given["recipient"].strip())
        ):
            return redirect("evidence_cart", cart)
    except PurposeError as error:
        form.add_error(None, str(error))
    return _page(request, found, recipient_form=form)


@needs(Permission.EXPORT)
@require_safe
def package(request: CurrentRequest, cart: UUID) -> HttpResponseBase:
    """Hand out the encrypted file."""
    found = _cart(request, cart)
    if found.state != "ready":
        raise Http404
    try:
        file = (settings.ARCHIVE_EVIDENCE / found.file_name).open("rb")
    except OSError as error:
        raise Http404 from error
    services.note_download(found)
    return FileResponse(file, as_attachment=True, filename=found.file_name)


@needs(Permission.EXPORT, gives_file=True)
@require_safe
def letter(request: CurrentRequest, cart: UUID) -> HttpResponse:
    """Give the covering letter as PDF: how the recipient opens and checks the package, and by which thumbprints."""
    found = _cart(request, cart)
    if found.state != "ready":
        raise Http404
    shown = {
        "cart": found,
        "title": f"Evidence package, case {found.case_number}",
        "author": settings.DEPARTMENT_NAME or request.user.agency,
        "contact": settings.CONTACT,
    }
    form, answers = forms.Form({}), list[HttpResponse]()
    html = rendered("evidence_letter.html", shown).decode()
    if accepted(form, lambda _: answers.append(pdf_answer(html, f"letter-{found.package}.pdf"))):
        return answers[0]
    return _page(request, found, refused=form)


@needs(Permission.EXPORT)
@require_POST
def book_package(request: CurrentRequest, cart: UUID) -> HttpResponse:
    """Book the package out or back in by its property number."""
    found, form = _cart(request, cart), BookingForm(request.POST)

    def book(given: Any) -> None:
        rest = {name: given[name] for name in ("receipt", "medium", "by", "digest")}
        services.book(found, person=request.user.login, is_returned=given["direction"] == "in", **rest)

    if not accepted(form, book):
        return _page(request, found, booking_form=form)
    saved = {
        "out": _("Booked out: property number %(receipt)s, %(medium)s, to %(by)s."),
        "in": _("Booked in: property number %(receipt)s, %(medium)s, from %(by)s."),
    }[form.cleaned_data["direction"]]
    messages.info(request, saved % form.cleaned_data)
    return redirect("evidence_cart", cart)


def _cart(request: CurrentRequest, cart: UUID) -> EvidenceCart:
    found = services.cart_of(request.user.login, cart)
    if found is None:
        raise Http404
    return found


def _reads_of(request: CurrentRequest, cart: EvidenceCart, areas: Mapping[int, int]) -> dict[str, Any]:
    """Return what is collected, each record with its read as far as it is kept and the person may see it."""
    found: dict[int, ShownRow] = {}
    ticket = None
    purpose = AccessPurpose(cart.purpose, cart.case_number)
    # The requests of the page that waits for the package show no read.
    if cart.records and REFRESH not in request.headers:
        with suppress(PurposeError), opened_entry(request, purpose, {"evidence": [*cart.records]}) as entry:
            found = {row["record_id"]: row for row in reads(entry, ReadFilter(records=[*cart.records]))}
            pictured = PictureTicket(tuple(found), "patch", purpose, str(entry.entry))
            ticket = give_ticket(session_of(request), pictured) if found else None
    held = holds_of(found.values())
    places = Places.usable(settings.PLACES_FILE)
    records = []
    for record in cart.records:
        read = found.get(record)
        shown: dict[str, Any] = {"number": record, "areas": areas[record], "is_held": record in held}
        if read is not None:
            shown |= {"read": read, "vehicle": shown_vehicle(read), "place": places.name_of(read["post"], read["site"])}
        records.append(shown)
    return {"records": records, "thumbnails": ticket, "are_held": len(held) == len(cart.records)}


def _page(request: CurrentRequest, cart: EvidenceCart, **bound: forms.Form) -> HttpResponse:
    areas = Counter[int]()
    for redaction in cart.redactions:
        areas[redaction.record] += len(redaction.areas)
    shown: dict[str, Any] = {
        "cart": cart,
        **_reads_of(request, cart, areas),
        "recipient_form": RecipientForm(initial={"recipient": cart.recipient}),  # of an order that failed
        "booking_form": BookingForm(),
        "may_export": request.authorization.may(Permission.EXPORT),
    }
    return render(request, "archive/evidence_cart.html", shown | bound, status=409 if bound else 200)

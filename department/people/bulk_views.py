"""Pages for people in bulk: importing a list, approving it as a whole, printing its invitations, recording training."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from platepost.department.people import bulk
from platepost.department.people.access import CurrentRequest, needs
from platepost.department.people.errors import PersonError
from platepost.department.people.forms import DayField, PersonForm
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import Permission, TrainingTopic

_LARGEST = 2**18
"""Bytes of a file: more than the rows of the largest list have."""


class PeopleFileForm(forms.Form):
    """A list of people, as a file or, of one that was shown before, as text."""

    file = forms.FileField(
        label=gettext_lazy("CSV file"), required=False, widget=forms.FileInput({"accept": ".csv,text/csv"})
    )
    text = forms.CharField(widget=forms.HiddenInput, required=False, strip=False, max_length=_LARGEST)

    def clean(self) -> dict[str, Any]:
        """Have the text of the file."""
        cleaned = super().clean() or {}
        file = cleaned.get("file")
        if isinstance(file, UploadedFile):
            if (file.size or 0) > _LARGEST:
                raise forms.ValidationError(_("The file has more than 256 KB: import it in pieces."))
            try:
                cleaned["text"] = file.read().decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise forms.ValidationError(_("The file is not UTF-8: save it as “CSV UTF-8”.")) from error
        if not cleaned.get("text"):
            raise forms.ValidationError(_("Choose a file."))
        return cleaned


class ImportForm(PeopleFileForm):
    """A list of people who are to be added."""

    sponsor = PersonForm.base_fields["sponsor"]
    field_order = ("file", "sponsor")


class TrainedForm(forms.Form):
    """Training that many people passed."""

    people = forms.ModelMultipleChoiceField(
        DepartmentPerson.objects.filter(disabled_at=None).order_by("name"),
        label=gettext_lazy("People"),
        widget=forms.CheckboxSelectMultiple,
    )
    topics = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Topics"),
        choices=[(topic.value, topic.label) for topic in TrainingTopic],
        coerce=TrainingTopic,
        widget=forms.CheckboxSelectMultiple,
        initial=[topic.value for topic in TrainingTopic],
    )
    held = DayField(label=gettext_lazy("Held"))


@needs(Permission.MANAGE_PEOPLE)
@require_http_methods(["GET", "HEAD", "POST"])
def people_import(request: CurrentRequest) -> HttpResponse:
    """Show what a list of people would do, then add them and ask for what they are to have."""
    form = ImportForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"form": form, "columns": bulk.COLUMNS, "example": bulk.EXAMPLE}
    if not form.is_valid():
        return render(request, "people/import.html", context, status=422 if form.is_bound else 200)
    text, sponsor = form.cleaned_data["text"], form.cleaned_data["sponsor"]
    try:
        listed = bulk.read_people(text, agency=request.user.agency)
        good = [row for row in listed if not row.errors]
        if "import" in request.POST and good:
            outcome = bulk.ask_for_people(listed, sponsor=sponsor, by=request.user)
            shown = {"outcome": outcome, "sponsor": sponsor, "bad": len(listed) - len(good), "mail": bulk.mails()}
            return render(request, "people/imported.html", shown)
        if sponsor == request.user:
            raise PersonError(_("someone else than you approves this list: choose another sponsor"))  # noqa: TRY301
    except PersonError as error:
        form.add_error(None, f"{str(error)[:1].upper()}{str(error)[1:]}.")
        return render(request, "people/import.html", context, status=422)
    context |= {
        "listed": listed,
        "bad": [row for row in listed if row.errors],
        "good": good,
        "new": sum(row.known is None for row in good),
        "sponsor": sponsor,
        "text": text,
    }
    return render(request, "people/import.html", context)


@needs(Permission.SEE_PEOPLE)
@require_safe
def people_list(request: CurrentRequest, batch: UUID) -> HttpResponse:
    """Show a list of people that waits for a second person."""
    return _shown(request, batch)


@needs(Permission.APPROVE_PEOPLE)
@require_POST
def people_list_decide(request: CurrentRequest, batch: UUID) -> HttpResponse:
    """Approve or reject a list of people, and show the second halves of the codes."""
    approve = {"approve": True, "reject": False}.get(request.POST.get("decision", ""))
    if approve is None:
        raise Http404
    try:
        invited = bulk.decide_list(batch, request.user, approve=approve)
    except PersonError as error:
        return _shown(request, batch, refused=str(error))
    if not approve:
        return redirect("people")
    sent, missed = bulk.send_invitations(batch, request.build_absolute_uri(reverse("account_login")))
    shown = {"invited": invited, "sent": sent, "missed": missed, "mail": bulk.mails()}
    return render(request, "people/approved.html", shown)


@needs(Permission.NOTE_TRAINING)
@require_http_methods(["GET", "HEAD", "POST"])
def trainings(request: CurrentRequest) -> HttpResponse:
    """Record, as the trainer, the training of many: of people who are chosen, or of a list's column `trained`."""
    chosen = TrainedForm(request.POST if "chosen" in request.POST else None)
    file = PeopleFileForm(request.POST if "list" in request.POST else None, request.FILES or None)
    context: dict[str, Any] = {"chosen": chosen, "file": file}
    try:
        if chosen.is_bound and chosen.is_valid():
            fields = chosen.cleaned_data
            listed = [
                bulk.ListedPerson(0, person.login, trained=fields["held"], known=person) for person in fields["people"]
            ]
            context["recorded"], context["rejected"] = bulk.record_trainings(
                listed, request.user, topics=fields["topics"]
            )
        elif file.is_bound and file.is_valid():
            listed = bulk.read_people(file.cleaned_data["text"], agency=request.user.agency)
            context["recorded"], context["rejected"] = bulk.record_trainings(listed, request.user)
    except PersonError as error:
        context["refused"] = str(error)
    wrong = (form.is_bound and not form.is_valid() for form in (chosen, file))
    return render(request, "people/trainings.html", context, status=422 if "refused" in context or any(wrong) else 200)


def _shown(request: HttpRequest, batch: UUID, *, refused: str = "") -> HttpResponse:
    waiting = next((waiting_list for waiting_list in bulk.waiting_lists() if waiting_list.batch == batch), None)
    if waiting is None and not refused:
        raise Http404
    return render(request, "people/list.html", {"list": waiting, "refused": refused}, status=409 if refused else 200)

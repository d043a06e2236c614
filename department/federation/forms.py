"""Forms of federation."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from platepost.department.errors import DepartmentError
from platepost.department.federation.exchange import PlateRequest
from platepost.department.federation.identity import known_certificate
from platepost.department.federation.models import PartnerDepartment
from platepost.department.ledger.models import Agency
from platepost.department.people.forms import TimeField
from platepost.department.search.errors import PatternError
from platepost.department.search.forms import LOOK_ALIKES, PurposeForm
from platepost.department.search.patterns import PlatePattern
from platepost.department.search.plates import PlateQuery


class PartnerForm(forms.Form):
    """A department that this one exchanges queries with."""

    agency = forms.ChoiceField(choices=lambda: [(name, name) for name in _agencies()])
    url = forms.CharField(label=_("Its server"), max_length=200, help_text=_("https://plates.oakdale.example:8602"))
    certificate = forms.CharField(
        label=_("Its certificate, PEM"), help_text=_("Got in person, or its digest read back by telephone."),
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
    )  # fmt: skip

    def clean_certificate(self) -> str:
        """Read it."""
        try:
            return known_certificate(self.cleaned_data["certificate"])
        except DepartmentError as error:
            raise forms.ValidationError(str(error)) from error


class CaseForm(forms.Form):
    """Why a case number is demanded."""

    exchange = forms.UUIDField(widget=forms.HiddenInput)
    because = forms.CharField(max_length=200)

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["because"].widget.attrs["aria-label"] = "Why the case number is demanded"


class PartnerSearchForm(PurposeForm):
    """A search at partner departments, each by its name: there is no box for all of them."""

    plate = forms.CharField(label=_("Plate"), max_length=80)
    look_alikes = forms.TypedChoiceField(
        label=_("Look-alikes"), choices=LOOK_ALIKES, coerce=int, required=False, empty_value="0"
    )
    one_wrong = forms.BooleanField(label=_("One character may be wrong"), required=False)
    since = TimeField(label=_("From"), required=False)
    until = TimeField(ends=True, label=_("Until"), required=False)
    departments = forms.ModelMultipleChoiceField(
        PartnerDepartment.objects.filter(agency__allowed=True), widget=forms.CheckboxSelectMultiple
    )

    asked: PlateRequest
    """What is asked, once the form is valid."""

    def __init__(self, data: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(data, **more)
        del self.fields["on_behalf_of"]
        self.fields["reason"].required = True

    def clean(self) -> dict[str, Any]:
        """Make the query of it."""
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            pattern = PlatePattern.parse(
                cleaned["plate"], budget=int(cleaned["look_alikes"]), slip=cleaned["one_wrong"]
            )
            PlateQuery(pattern=pattern, since=cleaned["since"], until=cleaned["until"])
        except PatternError as error:
            self.add_error("plate", str(error))
            return cleaned
        names = ("plate", "one_wrong", "since", "until")
        self.asked = PlateRequest(look_alikes=int(cleaned["look_alikes"]), **{name: cleaned[name] for name in names})
        return cleaned


def _agencies() -> list[str]:
    return list(Agency.objects.filter(allowed=True).values_list("name", flat=True))

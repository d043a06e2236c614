"""Forms of federation."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from platepost.department.errors import DepartmentError
from platepost.department.federation.identity import known_certificate
from platepost.department.ledger.models import Agency


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

    def __init__(self, *given: Any, **more: Any) -> None:  # noqa: ANN401 - Django's
        super().__init__(*given, **more)
        self.fields["because"].widget.attrs["aria-label"] = "Why the case number is demanded"


def _agencies() -> list[str]:
    return list(Agency.objects.filter(allowed=True).values_list("name", flat=True))

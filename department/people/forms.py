"""Forms about people."""

from django import forms
from django.utils.translation import gettext_lazy as _

from department.people.models import DepartmentPerson
from department.people.rights import CONSOLE_ONLY, Certification, DepartmentRole, TrainingTopic

_ROLES = [(role.value, role.label) for role in DepartmentRole if role not in CONSOLE_ONLY]
CHOOSE = ("", _("choose"))
"""Where nobody is to answer by leaving what stands there."""
DAY = forms.DateInput(attrs={"type": "date"})
TIME = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class PersonForm(forms.Form):
    """A new person."""

    login = forms.CharField(
        label=_("Login"), max_length=64, help_text=_("As the ledger names them: small letters, digits, dots, hyphens.")
    )
    name = forms.CharField(label=_("Name"), max_length=120)
    badge = forms.CharField(label=_("Badge"), max_length=32, required=False)
    agency = forms.CharField(label=_("Agency"), max_length=64)
    sponsor = forms.ModelChoiceField(
        DepartmentPerson.objects.filter(disabled_at=None).order_by("login"),
        label=_("Sponsor"),
        help_text=_("Who answers for the access."),
    )
    roles = forms.TypedMultipleChoiceField(
        label=_("Roles"), choices=_ROLES, coerce=DepartmentRole, widget=forms.CheckboxSelectMultiple, required=False
    )


class RoleForm(forms.Form):
    """A role to be given or ended."""

    role = forms.TypedChoiceField(label=_("Role"), choices=_ROLES, coerce=DepartmentRole)


class CertificateForm(forms.Form):
    """A certificate."""

    certification = forms.TypedChoiceField(
        label=_("Certificate"), choices=[(each.value, each.label) for each in Certification], coerce=Certification
    )
    expires = forms.DateField(label=_("Valid before"), widget=DAY)


class TrainingForm(forms.Form):
    """A result of training."""

    topic = forms.TypedChoiceField(
        label=_("Topic"), choices=[(topic.value, topic.label) for topic in TrainingTopic], coerce=TrainingTopic
    )
    held = forms.DateField(label=_("Held"), widget=DAY)
    result = forms.ChoiceField(label=_("Result"), choices=[("passed", _("passed")), ("failed", _("failed"))])


class ConsoleForm(forms.Form):
    """A name for a dispatch console."""

    name = forms.CharField(label=_("Name"), max_length=64)

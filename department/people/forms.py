"""Forms about people."""

from django import forms

from department.people.models import DepartmentPerson
from department.people.rights import CONSOLE_ONLY, Certification, DepartmentRole, TrainingTopic

_ROLES = [(role.value, role.label) for role in DepartmentRole if role not in CONSOLE_ONLY]
DAY = forms.DateInput(attrs={"type": "date"})
TIME = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class PersonForm(forms.Form):
    """A new person."""

    login = forms.CharField(max_length=64, help_text="As the ledger names them: small letters, digits, dots, hyphens.")
    name = forms.CharField(max_length=120)
    badge = forms.CharField(max_length=32, required=False)
    agency = forms.CharField(max_length=64)
    sponsor = forms.ModelChoiceField(
        DepartmentPerson.objects.filter(disabled_at=None).order_by("login"), help_text="Who answers for the access."
    )
    roles = forms.TypedMultipleChoiceField(
        choices=_ROLES, coerce=DepartmentRole, widget=forms.CheckboxSelectMultiple, required=False
    )


class RoleForm(forms.Form):
    """A role to be given or ended."""

    role = forms.TypedChoiceField(choices=_ROLES, coerce=DepartmentRole)


class CertificateForm(forms.Form):
    """A certificate."""

    certification = forms.TypedChoiceField(
        label="Certificate", choices=[(each.value, each.label) for each in Certification], coerce=Certification
    )
    expires = forms.DateField(label="Valid before", widget=DAY)


class TrainingForm(forms.Form):
    """A result of training."""

    topic = forms.TypedChoiceField(
        choices=[(topic.value, topic.label) for topic in TrainingTopic], coerce=TrainingTopic
    )
    held = forms.DateField(widget=DAY)
    result = forms.ChoiceField(choices=[("passed", "passed"), ("failed", "failed")])


class ConsoleForm(forms.Form):
    """A name for a dispatch console."""

    name = forms.CharField(max_length=64)

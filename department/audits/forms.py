"""Forms of audits."""

from datetime import datetime, time

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from platepost.department.audits.household import MOST_PLATES, folded_plate
from platepost.department.audits.models import AuditFinding, AuditPlan, AuditSample
from platepost.department.people.forms import CHOOSE, DayField
from platepost.department.policy.policy import policy_in_force


def _choices(values: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]


def _purposes() -> list[tuple[str, str]]:
    return [("", "every purpose"), *((purpose.name, purpose.name) for purpose in policy_in_force().purposes)]


class PlanForm(forms.Form):
    """Who audits, how often, and what."""

    kind = forms.ChoiceField(choices=_choices(AuditPlan.KINDS))
    auditor = forms.CharField(
        max_length=64, help_text=_("Username of an auditor; for a weekly review (every 7 days), of a supervisor.")
    )
    every_days = forms.IntegerField(
        label=_("Every (days)"),
        min_value=1,
        max_value=366,
        initial=30,
        help_text=_("Each audit is about this many days, and can begin once they are over."),
    )
    samples = forms.IntegerField(label=_("Searches to look at"), min_value=1, max_value=200, initial=20)
    days_to_finish = forms.IntegerField(label=_("Days to finish"), min_value=1, max_value=90, initial=14)
    begins = DayField(
        label=_("First day that is audited"),
        help_text=_("It may be past: seven days ago, with 7 days above, to audit the last week."),
    )
    purpose = forms.ChoiceField(choices=_purposes, required=False)
    agency = forms.CharField(max_length=64, required=False, help_text=_("Of the searcher; every agency if empty."))

    @property
    def planned(self) -> AuditPlan:
        """The plan, not saved."""
        begins = timezone.make_aware(datetime.combine(self.cleaned_data["begins"], time()))
        return AuditPlan(**{**self.cleaned_data, "begins": begins})


class JudgmentForm(forms.Form):
    """Whether a sample is in order."""

    outcome = forms.ChoiceField(choices=[CHOOSE, *_choices(AuditSample.OUTCOMES)])
    note = forms.CharField(max_length=500, required=False)


class AnswerForm(forms.Form):
    """An answer to a finding."""

    says = forms.CharField(label=_("Answer"), max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))


class ClosingForm(forms.Form):
    """How a finding is closed."""

    outcome = forms.ChoiceField(choices=[CHOOSE, *_choices(AuditFinding.OUTCOMES)])
    note = forms.CharField(label=_("Because"), max_length=500)


class HouseholdForm(forms.Form):
    """Plates of one's own household."""

    plates = forms.CharField(
        label=_("License plates of your household"),
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
        help_text=f"One a line, {MOST_PLATES} at most. They take the place of those that you named before.",
    )
    consent = forms.BooleanField(
        label=_("I agree that searches for these plates in my name are looked for each night.")
    )

    def clean_plates(self) -> list[str]:
        """Return them as they are compared."""
        plates = [folded_plate(line) for line in self.cleaned_data["plates"].splitlines() if line.strip()]
        if not 0 < len(plates) <= MOST_PLATES or not all(2 <= len(plate) <= 10 for plate in plates):
            raise forms.ValidationError(f"Write up to {MOST_PLATES} plates, one a line, of 2 to 10 characters each.")
        return plates


class MonthForm(forms.Form):
    """A month."""

    month = DayField(input_formats=["%Y-%m"], widget=forms.DateInput(attrs={"type": "month"}, format="%Y-%m"))

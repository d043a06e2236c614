"""Forms about people, and the fields of days and times that all forms have."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from platepost.common.years import FIRST_YEAR, LAST_YEAR
from platepost.department.local_time import local_moment
from platepost.department.people.models import AccessRequest, DepartmentPerson
from platepost.department.people.rights import (
    CONSOLE_ONLY,
    Certification,
    DepartmentRole,
    Permission,
    TrainingTopic,
    roles_that_may,
)

_ROLES = [(role.value, role.label) for role in DepartmentRole if role not in CONSOLE_ONLY]
CHOOSE = ("", _("choose"))
"""Where no one is to answer by leaving what stands there."""
MOST_NUMBER = 2**63 - 1
"""The greatest number that anything in the database has."""


def known_day(given: date | datetime) -> None:
    """Refuse a day, or a time, of another year than `FIRST_YEAR` to `LAST_YEAR`. Raises ValidationError."""
    if not FIRST_YEAR <= given.year <= LAST_YEAR:
        raise forms.ValidationError(
            _("Give a day of the years %(first)s to %(last)s."), params={"first": FIRST_YEAR, "last": LAST_YEAR}
        )


def not_past(day: date) -> None:
    """Refuse a day that is over. Raises ValidationError."""
    if day < timezone.localdate():
        raise forms.ValidationError(_("This day is over. Enter today or a later day."))


def not_ahead(day: date) -> None:
    """Refuse a day that has not come. Raises ValidationError."""
    if day > timezone.localdate():
        raise forms.ValidationError(_("This day has not come yet."))


class DayField(forms.DateField):
    """A day."""

    widget = forms.DateInput(attrs={"type": "date"})
    default_validators = [known_day]  # noqa: RUF012 - as Django has it


class TimeField(forms.DateTimeField):
    """A day and time, in the department's time zone: where a span begins or, with `ends`, where it ends.

    In the hour that comes twice when daylight saving time ends, a span begins in the first and ends in the second: the
    person means the whole of it. A time in the hour that is left out in spring is refused.
    """

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    default_validators = [known_day]  # noqa: RUF012 - as Django has it

    def __init__(self, *, ends: bool = False, **more: Any) -> None:
        super().__init__(**more)
        self._ends = ends

    notice: str | Promise = ""
    """What to show beside a time that comes twice."""

    def to_python(self, value: str | datetime | date | None) -> datetime | None:
        """Read it."""
        try:
            return super().to_python(value)
        except forms.ValidationError as error:
            if error.code != "ambiguous_timezone" or not isinstance(error.params, dict):
                raise
            zone = ZoneInfo(timezone.get_current_timezone_name())
            moment = local_moment(error.params["datetime"], zone, ends=self._ends)
            if moment.missing:
                raise forms.ValidationError(
                    _("There is no such time on that day: the clocks are set forward past it. Give another time."),
                    code="left_out",
                ) from error
            self.notice = _("This time comes twice, as daylight saving time ends: the span includes both.")
            return moment.at


class PersonForm(forms.Form):
    """A new person."""

    login = forms.CharField(
        label=_("Username"),
        max_length=64,
        help_text=_("Use lowercase letters, digits, periods, and hyphens."),
    )
    name = forms.CharField(label=_("Name"), max_length=120)
    badge = forms.CharField(label=_("Badge"), max_length=32, required=False)
    email = forms.EmailField(
        label=_("E-mail"), required=False, help_text=_("For half of the code of an invitation, where mail is set up.")
    )
    agency = forms.CharField(label=_("Agency"), max_length=64)
    sponsor = forms.ModelChoiceField(
        DepartmentPerson.objects.filter(
            disabled_at=None, grants__ended_at=None, grants__role__in=roles_that_may(Permission.APPROVE_PEOPLE)
        )
        .distinct()
        .order_by("login"),
        label=_("Sponsor"),
        help_text=_("Someone other than you, who is responsible for the access and approves it."),
    )
    roles = forms.TypedMultipleChoiceField(
        label=_("Roles"), choices=_ROLES, coerce=DepartmentRole, widget=forms.CheckboxSelectMultiple, required=False
    )


class PeopleFilterForm(forms.Form):
    """Which people are shown."""

    text = forms.CharField(label=_("Name, username, or badge"), max_length=120, required=False)
    role = forms.ChoiceField(
        label=_("Role"),
        required=False,
        choices=[("", _("any")), *((role.value, role.label) for role in DepartmentRole)],
    )
    which = forms.ChoiceField(
        label=_("Show"),
        required=False,
        choices=[
            ("", _("everyone")),
            ("lacks", _("who lacks a certification or training")),
            ("never", _("who never signed in")),
            ("waiting", _("who waits for approval")),
            ("disabled", _("who is disabled")),
        ],
    )


class RoleForm(forms.Form):
    """A role to be given or ended."""

    role = forms.TypedChoiceField(label=_("Role"), choices=_ROLES, coerce=DepartmentRole)


class CertificateForm(forms.Form):
    """A certificate."""

    certification = forms.TypedChoiceField(
        label=_("Certificate"),
        choices=[(certification.value, certification.label) for certification in Certification],
        coerce=Certification,
    )
    expires = DayField(label=_("Valid before"))


class TrainingForm(forms.Form):
    """A result of training."""

    topic = forms.TypedChoiceField(
        label=_("Topic"), choices=[(topic.value, topic.label) for topic in TrainingTopic], coerce=TrainingTopic
    )
    held = DayField(label=_("Held"))
    result = forms.ChoiceField(label=_("Result"), choices=[("passed", _("passed")), ("failed", _("failed"))])


class RequestDecisionForm(forms.Form):
    """What a second person decides about a request."""

    request = forms.ModelChoiceField(AccessRequest.objects.filter(decided_at=None), widget=forms.HiddenInput)
    decision = forms.ChoiceField(choices=[("approve", _("approve")), ("reject", _("reject"))])


class ConsoleForm(forms.Form):
    """A name for a dispatch console."""

    name = forms.CharField(label=_("Name"), max_length=64)

"""What someone asks for on the search pages, and why; checked before anything is read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from django import forms
from django.conf import settings
from django.utils.datastructures import MultiValueDict
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from platepost.department.custody.read_fields import LONGEST_VALUE, READ_FIELDS, ReadField
from platepost.department.database.queries import rows
from platepost.department.ledger.models import Agency
from platepost.department.people.forms import TimeField
from platepost.department.policy.policy import AccessPurpose, policy_in_force
from platepost.department.search.errors import PatternError
from platepost.department.search.patterns import MOST_LOOK_ALIKES, PlatePattern
from platepost.department.search.places import Places
from platepost.department.search.plates import PlateQuery
from platepost.department.search.scenes import SearchScene

_DAYS = [(day, WEEKDAYS[day - 1]) for day in range(1, 8)]
LOOK_ALIKES = [(0, _("none")), (1, _("one")), (MOST_LOOK_ALIKES, _("two"))]
_ANY = ("", _("any"))


def known_posts(places: Places) -> list[str]:
    """Return the posts of the map, and those that have sent anything."""
    sent = rows("SELECT custody_posts()")
    return sorted({*places.posts, *(post for (post,) in sent)})


def _offer(form: forms.Form, **choices: Iterable[tuple[str, str]]) -> None:
    """Give fields their choices, which are known at each request only."""
    for name, offered in choices.items():
        field = form.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = list(offered)


def _same(names: Iterable[str]) -> Iterable[tuple[str, str]]:
    return ((name, name) for name in names)


class PurposeForm(forms.Form):
    """Why, for which case, and on whose behalf."""

    purpose = forms.ChoiceField(label=_("Purpose"))
    case = forms.CharField(label=_("Case number"), required=False, max_length=64)
    reason = forms.CharField(label=_("More about it"), required=False, max_length=200)
    on_behalf_of = forms.ChoiceField(label=_("On behalf of"), required=False)
    exigent = forms.BooleanField(
        label=_("Exigent: a life is in danger. A supervisor reviews this within a day."), required=False
    )

    def __init__(self, data: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(data, **more)
        self.fields["purpose"].widget.attrs["autofocus"] = not self.is_bound
        self.places = Places.usable(settings.PLACES_FILE)
        purposes = ((purpose.name, f"{purpose.name}: {purpose.says}") for purpose in policy_in_force().offered)
        allowed = _same(Agency.objects.filter(allowed=True).values_list("name", flat=True))
        _offer(
            self,
            purpose=[("", gettext("choose why")), *purposes],
            on_behalf_of=[("", gettext("this department")), *allowed],
        )

    @property
    def access(self) -> AccessPurpose:
        """Why; the policy and the register judge it when the entry is opened."""
        cleaned = self.cleaned_data
        more = {name: cleaned.get(name) or None for name in ("case", "reason", "on_behalf_of")}
        return AccessPurpose(cleaned["purpose"], **more, exigent=cleaned["exigent"])

    @property
    def again(self) -> list[tuple[str, str]]:
        """What was given, for the hidden fields of a form that goes on from here."""
        data = cast("MultiValueDict[str, str]", self.data)
        return [(name, value) for name in self.fields for value in data.getlist(name) if value]

    @property
    def why(self) -> list[tuple[str, str]]:
        """What was given as the purpose, for a form that asks something else for the same reason."""
        return [(name, value) for name, value in self.again if name in PurposeForm.base_fields]


class SearchForm(PurposeForm):
    """One search."""

    plate = forms.CharField(label=_("Plate"), required=False, max_length=80)
    look_alikes = forms.TypedChoiceField(
        label=_("Look-alikes"), choices=LOOK_ALIKES, coerce=int, required=False, empty_value="0"
    )
    one_wrong = forms.BooleanField(label=_("One character may be wrong"), required=False)
    areas = forms.MultipleChoiceField(label=_("Areas"), required=False, widget=forms.CheckboxSelectMultiple)
    posts = forms.MultipleChoiceField(label=_("Posts"), required=False, widget=forms.CheckboxSelectMultiple)
    since = TimeField(label=_("From"), required=False)
    until = TimeField(ends=True, label=_("Until"), required=False)
    hour_from = forms.IntegerField(label=_("Hours of the day from"), required=False, min_value=0, max_value=23)
    hour_until = forms.IntegerField(label=_("until"), required=False, min_value=0, max_value=24)
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Days"), choices=_DAYS, coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )

    query: PlateQuery
    """What is asked, once the form is valid."""

    def __init__(self, data: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(data, **more)
        _offer(self, areas=_same(self.places.areas), posts=_same(known_posts(self.places)))
        self.fields |= {name: _form_field(field) for name, field in READ_FIELDS.items()}

    @property
    def read_fields(self) -> list[forms.BoundField]:
        """The searchable fields of a read."""
        return [self[name] for name in READ_FIELDS]

    @property
    def asks_for_more(self) -> bool:
        """Whether hours or days were given."""
        rare = ("hour_from", "hour_until", "weekdays")
        return any(self[name].value() for name in rare)

    def clean(self) -> dict[str, Any]:
        """Make the query of it."""
        cleaned = super().clean() or {}
        require_order(self, cleaned)
        if self.errors:
            return cleaned
        text, areas = cleaned["plate"], cleaned["areas"]
        try:
            pattern = (
                PlatePattern.parse(text, budget=int(cleaned["look_alikes"]), slip=cleaned["one_wrong"])
                if text.strip()
                else None
            )
            self.query = PlateQuery(
                pattern=pattern,
                posts=sorted({*cleaned["posts"], *self.places.posts_of(areas)}),
                since=cleaned["since"],
                until=cleaned["until"],
                hours=_hours(cleaned["hour_from"], cleaned["hour_until"]),
                weekdays=cleaned["weekdays"],
                zone=settings.TIME_ZONE,
                fields={name: [cleaned[name]] for name in READ_FIELDS if cleaned[name]},
                areas=areas,
            )
        except PatternError as error:
            self.add_error("plate", str(error))
        return cleaned

    @property
    def asked(self) -> dict[str, Any]:
        """The query as the ledger has it."""
        return dict(self.query.asked(self.cleaned_data["plate"]))


class CaseNumberForm(forms.Form):
    """The right case number of a search."""

    case = forms.CharField(label=_("Case number"), max_length=64)
    because = forms.CharField(label=_("What was wrong"), max_length=200)


class SceneForm(forms.Form):
    """One place and time of several."""

    areas = forms.MultipleChoiceField(label=_("Areas"), required=False, widget=forms.CheckboxSelectMultiple)
    posts = forms.MultipleChoiceField(label=_("Posts"), required=False, widget=forms.CheckboxSelectMultiple)
    since = TimeField(label=_("From"))
    until = TimeField(ends=True, label=_("Until"))

    def __init__(self, *given: Any, places: Places, posts: Sequence[str], **more: Any) -> None:
        super().__init__(*given, **more)
        self._places = places
        _offer(self, areas=_same(places.areas), posts=_same(posts))

    def clean(self) -> dict[str, Any]:
        """Make the scene of it."""
        cleaned = super().clean() or {}
        require_order(self, cleaned)
        if not self.errors and cleaned:
            posts = sorted({*cleaned["posts"], *self._places.posts_of(cleaned["areas"])})
            try:
                self.scene = SearchScene(posts, cleaned["since"], cleaned["until"])
            except PatternError as error:
                self.add_error(None, str(error))
        return cleaned


def require_order(form: forms.Form, cleaned: Mapping[str, Any]) -> None:
    """Have a form report an end that is not after its start."""
    since, until = cleaned.get("since"), cleaned.get("until")
    if since is not None and until is not None and until <= since:
        form.add_error("until", gettext("The end is not after the start. Swap them, or give a later end."))


def _form_field(field: ReadField) -> forms.Field:
    """Return the form field of a searchable field."""
    if field.choices:
        return forms.ChoiceField(label=field.label, choices=[_ANY, *field.choices.items()], required=False)
    return forms.CharField(label=field.label, required=False, max_length=LONGEST_VALUE)


def _hours(first: int | None, end: int | None) -> tuple[int, ...]:
    """Return hours from one to another, across midnight too; none if neither is said."""
    if first is None and end is None:
        return ()
    first, end = first or 0, 24 if end is None else end
    return tuple(range(first, end)) if first < end else (*range(first, 24), *range(end))

"""Forms about lists."""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pydantic import ValidationError

from platepost.department.lists.models import ListEntry
from platepost.department.policy.policy import AccessPurpose, policy_in_force
from platepost.provisioning.hotlist.cleaning import clean_pattern, clean_plate, clean_state
from platepost.provisioning.hotlist.mapping import DEFAULT_CATEGORIES, SourceMapping
from platepost.provisioning.hotlist.rows import RowRefusedError
from platepost.wire.records.hit import TEST_CATEGORY

_CATEGORIES = [(name, name.replace("_", " ")) for name in sorted(DEFAULT_CATEGORIES) if name != TEST_CATEGORY]
_ENDS = [("6", "6 hours"), ("24", "1 day"), ("72", "3 days"), ("168", "7 days"), ("720", "30 days"), ("2160", "90 days"), ("8760", "a year")]  # fmt: skip  # noqa: E501 - one table

MOST_BECAUSE = 200
"""Characters of a reason."""


class PlateField(forms.CharField):
    """A plate; with `partial` one of which not all characters are known, too. Nothing of it is remembered anywhere."""

    def __init__(self, *, partial: bool = False, **more: Any) -> None:
        attributes = {"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        super().__init__(max_length=40, widget=forms.TextInput(attributes), **more)
        self._partial = partial

    def clean(self, value: str) -> str:
        """Return it cleaned as the list builder does."""
        text = super().clean(value)
        try:
            return clean_pattern(text) if self._partial and ("?" in text or "*" in text) else str(clean_plate(text))
        except RowRefusedError as error:
            raise forms.ValidationError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error


class AccessPurposeForm(forms.Form):
    """Why the past is looked at."""

    purpose = forms.ChoiceField()

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        field = self.fields["purpose"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(purpose.name, purpose.name) for purpose in policy_in_force().offered]


class EntryForm(AccessPurposeForm):
    """A new entry: a whole plate, or what is known of one."""

    plate = PlateField(partial=True, help_text=_("? stands for one character, * for any number; three must be known."))
    category = forms.ChoiceField(choices=_CATEGORIES)
    case_number = forms.CharField(label=_("Case number"), max_length=64, required=False)
    reason = forms.CharField(max_length=200)
    ends = forms.TypedChoiceField(label=_("Ends after"), choices=_ENDS, coerce=int, initial="24")
    vehicle = forms.CharField(label=_("Vehicle"), max_length=200, required=False, help_text=_("Make, color, damage."))
    instructions = forms.CharField(max_length=500, required=False, help_text=_("What to do when it is seen."))
    state = forms.CharField(label=_("Issuing state"), max_length=3, required=False)
    characters = forms.IntegerField(
        label=_("Characters in all"),
        required=False,
        min_value=3,
        max_value=10,
        help_text=_("Of a partial plate, if known."),
    )
    priority = forms.IntegerField(
        required=False, min_value=1, max_value=9, help_text=_("1 is the most urgent; the category's own if empty.")
    )
    distribution = forms.ChoiceField(label=_("Visible to"), required=False)
    safe = forms.BooleanField(label=_("The department's own vehicle: raises no alert"), required=False)
    look_back = forms.BooleanField(label=_("Search the past, too, for this purpose"), required=False, initial=True)
    field_order = ("plate", "category", "case_number", "reason", "purpose", "ends", "vehicle", "instructions")

    entry: ListEntry
    """What is entered, once the form is valid; not saved."""

    def __init__(
        self,
        *given: Any,
        groups: Iterable[str],
        only: Collection[str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(*given, **more)
        self.fields["plate"].widget.attrs["autofocus"] = True
        choices = {
            "category": [category for category in _CATEGORIES if only is None or category[0] in only],
            "distribution": [("", "everyone"), *((group, f"only {group}") for group in groups)],
        }
        for name, field in self.fields.items():
            if isinstance(field, forms.ChoiceField) and name in choices:
                field.choices = choices[name]
        if only is not None:
            del self.fields["distribution"], self.fields["safe"]

    def clean(self) -> dict[str, Any]:
        """Make the entry of it."""
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            state = clean_state(cleaned["state"])
        except RowRefusedError as error:
            self.add_error("state", str(error))
            return cleaned
        same = ("plate", "category", "purpose", "reason", "vehicle", "instructions", "characters")
        self.entry = ListEntry(
            **{name: cleaned[name] for name in same},
            safe=cleaned.get("safe", False),
            case_number=cleaned["case_number"].strip(),
            state=state,
            priority=cleaned["priority"] or SourceMapping().allow(cleaned["category"]).priority or 5,
            distribution=cleaned.get("distribution") or None,
            expires_at=timezone.now() + timedelta(hours=cleaned["ends"]),
        )
        if not self.entry.case_number and not self.entry.safe:
            self.add_error("case_number", "An entry needs a case number.")
        elif self.entry.partial:
            try:
                self.entry.pattern(self.entry.case_number, "a")
            except ValidationError as error:
                self.add_error(
                    "plate", "; ".join(detail["msg"].removeprefix("Value error, ") for detail in error.errors())
                )
        elif cleaned["characters"] is not None:
            self.add_error("characters", "A whole plate has as many as it has.")
        return cleaned

    @property
    def why(self) -> AccessPurpose:
        """Why the past is searched."""
        cleaned = self.cleaned_data
        return AccessPurpose(cleaned["purpose"], case=cleaned["case_number"].strip() or None, reason=cleaned["reason"])


class RecoveredForm(forms.Form):
    """A car that was found."""

    plate = PlateField(label=_("Plate of the recovered car"))
    because = forms.CharField(label=_("Found by, or what is known"), max_length=200)


class BecauseForm(forms.Form):
    """Why something is done."""

    because = forms.CharField(label=_("Because"), max_length=MOST_BECAUSE)

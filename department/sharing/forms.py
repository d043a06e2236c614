"""Forms of sharing. What a law forbids they do not offer; what refuses it is the database."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from platepost.department.archive.evidence_package import RecipientKey, recipient_of
from platepost.department.archive.holds import HoldScope, folded_plates
from platepost.department.errors import DepartmentError
from platepost.department.ledger.models import Agency, AgencyKind
from platepost.department.people.forms import CHOOSE, DayField, TimeField, not_ahead
from platepost.department.people.models import DepartmentPerson
from platepost.department.policy.policy import policy_in_force
from platepost.department.sharing.models import BreachIncident, SharingAgreement, SharingRelease, SharingRequest

_REFUSED = "Refused: the law allows nothing on behalf of an agency of this kind."


def _in_state_only() -> bool:
    return policy_in_force().law.shares_in_state_only


def _may_agree() -> list[tuple[str, str]]:
    agencies = Agency.objects.filter(allowed=True)
    if _in_state_only():
        agencies = agencies.filter(kind=AgencyKind.IN_STATE)
    return [(agency.name, agency.name) for agency in agencies]


class PublishForm(forms.Form):
    """When the policy was heard."""

    hearing = DayField(label=_("Hearing of the legislative body"))


class AgencyForm(forms.Form):
    """An agency."""

    name = forms.RegexField(
        r"^[a-z0-9][a-z0-9-]{0,62}$", label=_("Short name"), help_text=_("Small letters, digits, hyphens: oakdale-pd.")
    )
    title = forms.CharField(
        label=_("Full name"), max_length=120, help_text=_("As on the public page: Oakdale Police Department.")
    )
    ori = forms.RegexField(
        r"^[A-Z]{2}[0-9A-Z]{7}$",
        label=_("ORI"),
        required=False,
        empty_value="",
        help_text=_("Nine characters, by which NCIC knows it; empty only for a private body."),
    )
    kind = forms.ChoiceField(choices=AgencyKind)
    allowed = forms.BooleanField(
        label=_("Agreements with it count"), required=False, help_text=_("Without it they stop at once.")
    )
    note = forms.CharField(max_length=200)

    def clean(self) -> dict[str, object]:
        """Refuse what the law does."""
        cleaned = super().clean() or {}
        if cleaned.get("allowed") and cleaned.get("kind") != AgencyKind.IN_STATE and _in_state_only():
            self.add_error(None, _REFUSED)
        return cleaned

    @property
    def agency(self) -> Agency:
        """The agency, once the form is valid."""
        return Agency(**self.cleaned_data)


class VerificationForm(forms.Form):
    """That someone checked who an agency is."""

    agency = forms.ChoiceField(choices=lambda: [(name, name) for name in Agency.objects.values_list("name", flat=True)])
    says = forms.CharField(label=_("What was checked, and how"), max_length=500)
    until = DayField(
        label=_("Counts until"), help_text=_("At most a year from now. Valid through the end of this day.")
    )


class SharingAgreementForm(forms.Form):
    """An agreement with one agency."""

    agency = forms.ChoiceField(choices=_may_agree)
    says = forms.CharField(label=_("Where the document is"), max_length=500)
    purposes = forms.MultipleChoiceField(
        choices=lambda: [(purpose.name, purpose.name) for purpose in policy_in_force().purposes],
        widget=forms.CheckboxSelectMultiple,
    )
    scope = forms.MultipleChoiceField(
        label=_("What may be done"),
        choices=[
            ("search", "search on its behalf"),
            ("release", "release to it"),
            ("query", "ask it, and answer what it asks, by the departments' servers"),
        ],
        widget=forms.CheckboxSelectMultiple,
    )
    per_hour = forms.IntegerField(
        label=_("Queries answered an hour"),
        required=False,
        min_value=1,
        max_value=3600,
        help_text=_("Of the last kind only."),
    )
    begins = DayField(label=_("First day"), help_text=_("From its beginning, where the department is."))
    ends = DayField(label=_("Last day"), help_text=_("Three years later at most; to the end of that day."))


class ConfirmAgencyForm(forms.Form):
    """An agency that waits for a second person."""

    agency = forms.ModelChoiceField(Agency.objects.filter(confirmed_by=None))


class ConfirmAgreementForm(forms.Form):
    """An agreement that waits for a second person."""

    agreement = forms.ModelChoiceField(SharingAgreement.objects.filter(confirmed_by=None, ended_at=None))


class EndForm(forms.Form):
    """An agreement that ends."""

    agreement = forms.ModelChoiceField(SharingAgreement.objects)


class RequestForm(forms.Form):
    """A request from outside."""

    kind = forms.ChoiceField(choices=[CHOOSE, *((kind, kind) for kind in SharingRequest.KINDS)])
    requester = forms.CharField(
        label=_("Who asks"), max_length=200, help_text=_("The name to which letters are addressed.")
    )
    address = forms.CharField(
        label=_("Address"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Of mail or e-mail, for the letters."),
    )  # fmt: skip
    says = forms.CharField(
        label=_("What is asked"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One part a line: the letters quote and answer each part. No plate: write “my own car”."),
    )
    order_number = forms.CharField(label=_("Number of the order or case"), max_length=64, required=False)
    agency = forms.ChoiceField(
        choices=lambda: [("", _("none")), *_may_agree()], required=False, help_text=_("Of an agency's request only.")
    )
    purpose = forms.ChoiceField(
        choices=lambda: [("", _("none")), *((purpose.name, purpose.name) for purpose in policy_in_force().offered)],
        required=False,
        help_text=_("Of an agency's request only."),
    )
    received_on = DayField(label=_("Received"), validators=[not_ahead])
    due_on = DayField(label=_("Due"), required=False, help_text=_("Empty: as the law has it."))

    @property
    def request_fields(self) -> dict[str, Any]:
        """What is entered, once the form is valid."""
        fields = dict(self.cleaned_data)
        return fields | {"agency_id": fields.pop("agency") or None}


class RequestReasonForm(forms.Form):
    """A reason."""

    because = forms.CharField(max_length=500)


class RecallForm(RequestReasonForm):
    """Why a release is recalled."""

    release = forms.ModelChoiceField(SharingRelease.objects, widget=forms.HiddenInput)


class DecisionForm(forms.Form):
    """The decision about each part of a request."""

    def __init__(self, *args: Any, parts: Sequence[str], **more: Any) -> None:
        super().__init__(*args, **more)
        self._numbers = range(1, len(parts) + 1)
        for number, part in zip(self._numbers, parts, strict=True):
            self.fields[f"outcome_{number}"] = forms.ChoiceField(
                label=_("Part {number}: {part}").format(number=number, part=part),
                choices=[CHOOSE, *((outcome, outcome) for outcome in SharingRequest.OUTCOMES)],
            )
            self.fields[f"because_{number}"] = forms.CharField(
                label=_("Part {number}: what is given, redacted, or withheld, and why").format(number=number),
                max_length=500,
                required=False,
                widget=forms.TextInput(attrs={"list": "reasons"}),
                help_text=_("The letter has these words. A reason is required unless the whole part is granted."),
            )

    def clean(self) -> dict[str, Any]:
        """Ask for the reason of what is not granted."""
        cleaned = super().clean() or {}
        for number in self._numbers:
            outcome = cleaned.get(f"outcome_{number}")
            if outcome not in {None, "granted"} and not cleaned.get(f"because_{number}"):
                self.add_error(f"because_{number}", _("State the reason: the letter needs it."))
        return cleaned

    @property
    def answers(self) -> list[dict[str, str]]:
        """The answer to each part, once the form is valid."""
        cleaned = self.cleaned_data
        return [
            {"outcome": cleaned[f"outcome_{number}"], "because": cleaned[f"because_{number}"]}
            for number in self._numbers
        ]


class RedactedLogForm(forms.Form):
    """Which days of searches answer a request."""

    since = DayField(label=_("First day"))
    until = DayField(label=_("Last day"))


class RequestHoldForm(forms.Form):
    """What a request is about."""

    since = TimeField(label=_("Captured from"))
    until = TimeField(ends=True, label=_("Captured before"))
    posts = forms.CharField(label=_("At these posts only"), required=False)
    plates = forms.CharField(
        label=_("Of these plates only"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One a line."),
    )

    @property
    def scope(self) -> HoldScope:
        """What is to be held."""
        cleaned = self.cleaned_data
        posts, plates = cleaned["posts"].replace(",", " ").split(), folded_plates(cleaned["plates"])
        return HoldScope(posts=posts, plates=plates, since=cleaned["since"], until=cleaned["until"])


class IncidentForm(forms.Form):
    """That someone got, or may have got, what they may not see."""

    kind = forms.ChoiceField(choices=[CHOOSE, *((kind, kind) for kind in BreachIncident.KINDS)])
    subject = forms.CharField(
        label=_("Which account, device, subscriber, or backup"),
        max_length=128,
        help_text=_(
            "The username of the account, a partner's as b.stone@oakdale-pd; the number of the device's browser, which"
            " the ledger shows at its log-ins; the subscriber's name; or the backup's SHA-256."
        ),
    )
    says = forms.CharField(
        label=_("What happened"), max_length=1000, help_text=_("The notice quotes these words. No plate.")
    )
    since = TimeField(label=_("From"), help_text=_("Earlier rather than later, if it is not known exactly."))
    until = TimeField(ends=True, label=_("Until"), help_text=_("Of a backup: when it was made."))
    known_on = DayField(label=_("Known since"), validators=[not_ahead])
    encrypted = forms.BooleanField(label=_("The records were encrypted, and the key was not taken"), required=False)

    def clean(self) -> dict[str, object]:
        """Have the subject be as the ledger writes it: of another one nothing would be found to have been seen."""
        cleaned = super().clean() or {}
        kind, subject = cleaned.get("kind"), str(cleaned.get("subject", "")).lower()
        if kind == "account":
            cleaned["subject"] = subject
            agency = subject.partition("@")[2]  # of a partner department's people
            known = Agency.objects.filter(name=agency) if agency else DepartmentPerson.objects.filter(login=subject)
            if subject and not known.exists():
                self.add_error("subject", "No one has this username.")
        elif kind == "device":
            try:
                cleaned["subject"] = str(UUID(subject))
            except ValueError:
                self.add_error("subject", "This is not a browser's number: log_on entries of the ledger have it.")
        elif kind == "backup":
            cleaned["subject"] = subject
            if not re.fullmatch("[0-9a-f]{64}", subject):
                self.add_error(
                    "subject", "This is not a backup's SHA-256: the ledger has it where the backup was made."
                )
        return cleaned


class SealForm(forms.Form):
    """To whom the list of the affected is sealed."""

    key = forms.CharField(
        label=_("Your public key"),
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text=_("A line of age (age1...), an SSH key, or an X.509 certificate or public key (PEM)."),
    )

    recipient: RecipientKey

    def clean_key(self) -> str:
        """Read the key."""
        try:
            self.recipient, _ = recipient_of(self.cleaned_data["key"].encode())
        except DepartmentError as error:
            raise forms.ValidationError(str(error)) from error
        return str(self.cleaned_data["key"])

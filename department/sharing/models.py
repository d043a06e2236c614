"""The tables of sharing as Django sees them. The rules stand in the database: see sql/."""

from calendar import FRIDAY
from datetime import date, timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from platepost.department.archive.models import Hold
from platepost.department.ledger.models import Agency


class PolicyVersion(models.Model):
    """A version of the policy file that was published."""

    digest = models.TextField(primary_key=True)
    """As in the ledger's entries."""
    says = models.TextField()
    """The file."""
    hearing = models.DateField()
    """When the legislative body heard it."""
    person = models.TextField()
    """Who published it, by log-in, as everywhere here."""
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        managed = False
        db_table = "sharing_policy"
        ordering = ("-at",)


class ProposedLaw(models.Model):
    """A law that someone proposed, and a second person confirmed or has still to confirm."""

    law = models.JSONField()
    """As `LawProfile.bound` has it."""
    person = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    confirmed_by = models.TextField(null=True)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "sharing_law"
        ordering = ("-id",)


class AgencyVerification(models.Model):
    """What someone checked of an agency; the last one counts."""

    agency = models.ForeignKey(Agency, models.PROTECT, db_column="agency", related_name="verifications")
    says = models.TextField()
    until = models.DateField()
    person = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        managed = False
        db_table = "ledger_verification"
        ordering = ("-id",)


class SharingAgreement(models.Model):
    """For which purposes something may be done for an agency, and until when."""

    SCOPES = ("search", "release", "query")

    agency = models.ForeignKey(Agency, models.PROTECT, db_column="agency", related_name="agreements")
    says = models.TextField()
    """Where the document is."""
    purposes = ArrayField(models.TextField())
    scope = ArrayField(models.TextField())
    confirmed_by = models.TextField(null=True)
    """The second person; nothing is done by it before."""
    confirmed_at = models.DateTimeField(null=True)
    per_hour = models.IntegerField(null=True)
    """Queries an hour that are answered, with the scope `query`."""
    begins = models.DateField()
    ends = models.DateField()
    """Its last day."""
    person = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    ended_by = models.TextField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "ledger_sharing"
        ordering = ("-id",)


class SharingRequest(models.Model):
    """What someone outside asks for."""

    KINDS = ("public records", "subpoena", "discovery", "agency")
    DECISIONS = ("granted", "partly granted", "denied")
    OUTCOMES = ("granted", "granted with redactions", "denied", "no such records")
    """Of a part of what is asked."""

    kind = models.TextField()
    requester = models.TextField()
    address = models.TextField(default="")
    """Where letters go."""
    says = models.TextField()
    """What is asked, one part a line, without a plate."""
    order_number = models.TextField(default="")
    agency = models.ForeignKey(Agency, models.PROTECT, db_column="agency", null=True)
    purpose = models.TextField(default="")
    received_on = models.DateField()
    due_on = models.DateField()
    person = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    corrected_by = models.TextField(null=True)
    """Who corrected what was entered, the last time."""
    corrected_at = models.DateTimeField(null=True)
    acknowledged_by = models.TextField(null=True)
    """Who sent the letter that it was received."""
    acknowledged_at = models.DateTimeField(null=True)
    extended_because = models.TextField(null=True)
    hold = models.ForeignKey(Hold, models.PROTECT, null=True)
    decision = models.TextField(null=True)
    because = models.TextField(null=True)
    answers = models.JSONField(default=list)
    """By part of what is asked: its outcome, one of `OUTCOMES`, and the reason."""
    decided_by = models.TextField(null=True)
    decided_at = models.DateTimeField(null=True)
    log_since = models.DateField(null=True)
    """First day of the redacted log that was made for the answer."""
    log_until = models.DateField(null=True)
    log_totals = models.JSONField(null=True)
    """Its searches, by purpose."""
    reopened_by = models.TextField(null=True)
    """Who took a decision back, the last time."""
    reopened_at = models.DateTimeField(null=True)
    sent_by = models.TextField(null=True)
    sent_at = models.DateTimeField(null=True)
    """When the answer was sent: the decision is final then."""

    class Meta:
        managed = False
        db_table = "sharing_request"
        ordering = ("due_on", "id")

    @property
    def parts(self) -> list[str]:
        """What is asked, by part."""
        return [line.strip() for line in self.says.splitlines() if line.strip()]

    @property
    def answered_parts(self) -> list[tuple[str, str, str]]:
        """Each part that was decided, with its outcome and the reason."""
        answers = [(answer["outcome"], answer["because"]) for answer in self.answers]
        return [(part, *answer) for part, answer in zip(self.parts, answers, strict=False)]

    @property
    def answer_by(self) -> date:
        """The last day from Monday to Friday on which an answer is in time."""
        return self.due_on - timedelta(days=max(self.due_on.weekday() - FRIDAY, 0))

    @property
    def is_late(self) -> bool:
        """Whether it should have been decided by now."""
        return self.decided_at is None and self.due_on < timezone.localdate()

    @property
    def days_left(self) -> int:
        """How many days are left until it is due; negative once it is late."""
        return (self.due_on - timezone.localdate()).days


class SharingRelease(models.Model):
    """A package that went to one recipient's key, for a request."""

    request = models.ForeignKey(SharingRequest, models.PROTECT, related_name="releases")
    recipient = models.TextField()
    recipient_key = models.TextField()
    package = models.UUIDField()
    digest = models.TextField()
    records = models.IntegerField()
    person = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    recalled_by = models.TextField(null=True)
    recalled_at = models.DateTimeField(null=True)
    recalled_because = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = "sharing_release"
        ordering = ("id",)


class BreachIncident(models.Model):
    """That someone got, or may have got, what they may not see."""

    KINDS = ("account", "device", "subscriber", "backup")

    kind = models.TextField()
    subject = models.TextField()
    """By kind: a log-in, a browser's number as in `log_on`, a subscriber who hears reads, a backup's SHA-256."""
    says = models.TextField()
    since = models.DateTimeField()
    until = models.DateTimeField()
    known_on = models.DateField()
    notify_by = models.DateField()
    encrypted = models.BooleanField()
    """Whether what was taken was encrypted, and its key was not taken."""
    person = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    computed_at = models.DateTimeField(null=True)
    plates = models.IntegerField(null=True)
    reads = models.IntegerField(null=True)
    gone = models.IntegerField(null=True)
    """Records that were seen and are not kept any more."""
    digest = models.TextField(null=True)
    """SHA-256 of the sealed list."""
    notified_by = models.TextField(null=True)
    notified_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "sharing_incident"
        ordering = ("notify_by", "id")

    @property
    def is_late(self) -> bool:
        """Whether the affected should have been told by now."""
        return not self.encrypted and self.notified_at is None and self.notify_by < timezone.localdate()

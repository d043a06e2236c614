"""The tables of audits as Django sees them. The rules stand in the database: see sql/."""

from datetime import UTC, date, datetime, timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone


class AuditPlan(models.Model):
    """Who audits how often, and how many searches of which."""

    KINDS = ("audit", "weekly review")

    kind = models.TextField(choices=[(kind, kind) for kind in KINDS])
    auditor = models.TextField()
    """Who audits, by log-in: an auditor, or for a weekly review a supervisor."""
    every_days = models.IntegerField()
    samples = models.IntegerField()
    days_to_finish = models.IntegerField()
    """After the end of the time that an audit is about."""
    purpose = models.TextField(default="")
    """Of the searches; of every purpose where empty."""
    agency = models.TextField(default="")
    """Of the person who searched; every agency if empty."""
    begins = models.DateTimeField()
    """Of the first time that is audited; it may be in the past."""
    made_by = models.TextField()
    made_at = models.DateTimeField(default=timezone.now)
    ended_by = models.TextField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "audits_plan"
        ordering = ("id",)

    @property
    def next_since(self) -> datetime:
        """When the time begins that the next audit is about: where the last one's ended."""
        last = self.audits.order_by("-until").first()
        return last.until if last else self.begins

    @property
    def next_until(self) -> datetime:
        """When it ends: from then on it can be drawn."""
        return _days_later(self.next_since, self.every_days)

    @property
    def next_last_day(self) -> date:
        """The last day that it is about."""
        return _last_day(self.next_until)

    @property
    def next_due(self) -> datetime:
        """By when that audit is finished."""
        return _days_later(self.next_until, self.days_to_finish)

    @property
    def can_be_drawn(self) -> bool:
        """Whether the time is over that the next audit is about."""
        return self.ended_at is None and self.next_until <= timezone.now()


class DrawnAudit(models.Model):
    """One audit by a plan: samples of a time, drawn by a seed."""

    plan = models.ForeignKey(AuditPlan, models.PROTECT, related_name="audits")
    since = models.DateTimeField()
    until = models.DateTimeField()
    seed = models.TextField()
    """32 hexadecimal digits. The samples are the searches with the smallest SHA-256 of `SEED:NUMBER OF THE ENTRY`."""
    searches = models.IntegerField()
    """From how many they were drawn."""
    drawn_by = models.TextField()
    drawn_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()
    finished_by = models.TextField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "audits_audit"
        ordering = ("id",)

    @property
    def last_day(self) -> date:
        """The last day that it is about."""
        return _last_day(self.until)

    @property
    def is_overdue(self) -> bool:
        """Whether it should be finished by now."""
        return self.finished_at is None and self.due_at < timezone.now()


class AuditSample(models.Model):
    """One search that someone looks at."""

    OUTCOMES = ("in order", "needs an answer", "misuse")

    audit = models.ForeignKey(DrawnAudit, models.PROTECT, related_name="samples")
    entry = models.UUIDField()
    """Of its intent in the ledger."""
    subject = models.TextField()
    """Who searched, by log-in."""
    outcome = models.TextField(null=True)
    note = models.TextField(default="")
    judged_by = models.TextField(null=True)
    judged_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "audits_sample"
        ordering = ("id",)


class AuditFinding(models.Model):
    """What someone must answer for, found in a sample or by a rule."""

    OUTCOMES = ("in order", "coached", "misuse")
    SAMPLE = "sample"

    rule = models.TextField()
    """One of `MisuseRule`, or `SAMPLE`."""
    sample = models.OneToOneField(AuditSample, models.PROTECT, null=True, related_name="finding")
    subject = models.TextField()
    month = models.DateField()
    says = models.TextField()
    """A sentence; no plate."""
    entries = ArrayField(models.UUIDField())
    """In the ledger: the intents that it is about."""
    made_at = models.DateTimeField(default=timezone.now)
    answer_by = models.DateTimeField()
    close_by = models.DateTimeField()
    outcome = models.TextField(null=True)
    note = models.TextField(default="")
    closed_by = models.TextField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "audits_finding"
        ordering = ("id",)


class FindingAnswer(models.Model):
    """What the subject, or a supervisor, says to a finding."""

    finding = models.ForeignKey(AuditFinding, models.PROTECT, related_name="answers")
    person = models.TextField()
    says = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        managed = False
        db_table = "audits_answer"
        ordering = ("id",)


def _last_day(until: datetime) -> date:
    """Return the last day of a time that ends at a midnight."""
    return timezone.localdate(until - timedelta.resolution)


def _days_later(moment: datetime, days: int) -> datetime:
    """Return the same time of day some days later where the department is: one has 23 hours, one 25."""
    return (timezone.localtime(moment) + timedelta(days=days)).astimezone(UTC)

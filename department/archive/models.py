"""The archive's tables as Django sees them. The rules stand in the database: see sql/."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from platepost.department.archive.classes import CLASSES


class RetentionTerm(models.Model):
    """How long the department keeps a class of records."""

    retention = models.TextField(primary_key=True, db_column="class")
    law = models.TextField()
    floor_days = models.IntegerField()
    ceiling_days = models.IntegerField()
    kept_days = models.IntegerField()

    class Meta:
        managed = False
        db_table = "archive_term"
        ordering = ("retention",)

    @property
    def label(self) -> str:
        """How people call the class."""
        return CLASSES.get(self.retention, self.retention.replace("_", " "))


class Hold(models.Model):
    """What no one may purge."""

    KINDS = ("evidence", "civil action", "records request", "litigation")

    kind = models.TextField()
    case_number = models.TextField()
    person = models.TextField()
    reason = models.TextField()
    placed_at = models.DateTimeField(auto_now_add=True)
    review_on = models.DateField()
    records = ArrayField(models.BigIntegerField(), default=list)
    passages = ArrayField(models.TextField(), default=list)
    posts = ArrayField(models.TextField(), default=list)
    plates = ArrayField(models.TextField(), default=list)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    groups = ArrayField(models.TextField(), default=list)
    lifted_by = models.TextField(null=True)
    lifted_at = models.DateTimeField(null=True)
    lifted_because = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = "archive_hold"
        ordering = ("id",)


class PurgePlan(models.Model):
    """What is to go, and who planned and approved it."""

    plan = models.UUIDField(primary_key=True, default=uuid.uuid4)
    law = models.TextField()
    planned_by = models.TextField()
    planned_at = models.DateTimeField(auto_now_add=True)
    resolution = models.TextField(null=True)
    resolution_date = models.DateField(null=True)
    attorney = models.TextField(null=True)
    consent_date = models.DateField(null=True)
    review = models.TextField(null=True)
    backups = ArrayField(models.TextField(), default=list)
    replays = models.UUIDField(null=True)
    holds = ArrayField(models.BigIntegerField(), default=list)
    approved_by = models.TextField(null=True)
    approved_at = models.DateTimeField(null=True)
    begun_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "archive_plan"
        ordering = ("planned_at",)


class BackupRecord(models.Model):
    """A backup that was made, and is to be destroyed when its term is over."""

    sha256 = models.TextField(primary_key=True)
    name = models.TextField()
    made_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "archive_backup"
        ordering = ("made_at",)

"""The register of agencies, as Django sees it. The rules stand in the database: see sql/."""

from django.db import models


class AgencyKind(models.TextChoices):
    """What an agency is before the law; `in_state` is a public agency of the department's own state."""

    IN_STATE = "in_state", "in state"
    FEDERAL = "federal", "federal"
    OUT_OF_STATE = "out_of_state", "out of state"
    PRIVATE = "private", "private"


class Agency(models.Model):
    """An agency of the register."""

    name = models.TextField(primary_key=True)
    kind = models.TextField(choices=AgencyKind)
    allowed = models.BooleanField()
    """Whether anything may be agreed with it; False also revokes at once what was agreed."""
    note = models.TextField()
    """What else there is to say of it."""
    ori = models.TextField(default="")
    """Its originating agency identifier, nine characters, by which NCIC knows it; empty where it has none."""
    title = models.TextField(default="")
    """Its full name, as people write it."""
    entered_by = models.TextField(null=True)
    confirmed_by = models.TextField(null=True)
    """The second person for its kind and its ORI; nothing is done for it before."""
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "ledger_agency"
        ordering = ("name",)

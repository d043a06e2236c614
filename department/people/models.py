"""Persons and what is noted of them. Rights are facts with a date; what follows from them is computed, never stored.

The rows that give rights are only added, or ended. Triggers enter each of them in the ledger, and refuse what no one
may do: see `0002_rights.sql`.
"""

from datetime import datetime, timedelta
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from platepost.department.people.rights import Certification, DepartmentRole, TrainingTopic

IDLE = timedelta(days=90)
"""A person who did not log on for so long is suspended (CJIS AC-2)."""
LOGIN = r"^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$"
"""A name as `platepost provision` takes it, in small letters."""


class DepartmentPerson(AbstractBaseUser):
    """A person, never an office: no two people share a log-in."""

    login = models.CharField(max_length=64, unique=True, validators=[RegexValidator(LOGIN)])
    """As in the ledger."""
    name = models.CharField(max_length=120)
    badge = models.CharField(max_length=32, blank=True)
    email = models.EmailField(blank=True)
    """Where half of the code of an invitation is sent; nothing else is."""
    agency = models.CharField(max_length=64)
    sponsor = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    """Who answers for the access and approves the first role; None where the command line named no one."""
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    """None: the command line."""
    active_from = models.DateTimeField(default=timezone.now)
    """From when the 90 days count where there was no log-on since."""
    disabled_at = models.DateTimeField(null=True)
    disabled_until = models.DateTimeField(null=True)
    """Until when a supervisor has disabled an auditor, or had; the database sets it. None: without an end."""
    changed_by = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    """Who disabled or reinstated them last."""
    invited_until = models.DateTimeField(null=True)
    """While set, the password is a code for one log-in until then."""

    USERNAME_FIELD = "login"
    REQUIRED_FIELDS = ["name", "agency"]  # noqa: RUF012 - Django's own form
    objects = BaseUserManager["DepartmentPerson"]()

    class Meta:
        db_table = "people_person"

    def __str__(self) -> str:
        return self.login

    @property
    def suspended_at(self) -> datetime:
        """When they are, or were, suspended for not logging on."""
        return max(self.active_from, self.last_login or self.active_from) + IDLE

    @property
    def is_active(self) -> bool:  # type: ignore[override]  # a value there
        """Whether they may log in now. Django asks at each request: who is disabled has no session from then on."""
        return not self.is_disabled and timezone.now() < self.suspended_at

    @property
    def is_disabled(self) -> bool:
        """Whether their access was ended, for good or for a time that goes on."""
        return self.disabled_at is not None and (self.disabled_until is None or timezone.now() < self.disabled_until)


class RoleGrant(models.Model):
    """A role that someone has, or had."""

    person = models.ForeignKey(DepartmentPerson, models.PROTECT, related_name="grants")
    role = models.CharField(max_length=16, choices=[(role.value, role.label) for role in DepartmentRole])
    given_at = models.DateTimeField(default=timezone.now)
    given_by = models.ForeignKey(DepartmentPerson, models.PROTECT, null=True, related_name="+")
    given_via = models.CharField(max_length=64, null=True)
    """The identity provider by whose groups it was given, and will be ended."""
    approved_by = models.ForeignKey(DepartmentPerson, models.PROTECT, null=True, related_name="+")
    """The second person; None where the command line or an identity provider gave it alone."""
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(DepartmentPerson, models.PROTECT, null=True, related_name="+")

    class Meta:
        db_table = "people_role"
        constraints = (
            models.UniqueConstraint(
                fields=["person", "role"], condition=models.Q(ended_at=None), name="people_role_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(given_by=models.F("person")) | models.Q(given_by=None),
                name="people_role_by_another",
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=[role.value for role in DepartmentRole]), name="people_role_known"
            ),
        )


class PersonCertificate(models.Model):
    """A certificate and its end; of each kind the one that was noted last counts."""

    person = models.ForeignKey(DepartmentPerson, models.PROTECT, related_name="certificates")
    certification = models.CharField(
        max_length=8, choices=[(certification.value, certification.name) for certification in Certification]
    )
    expires_at = models.DateTimeField()
    noted_at = models.DateTimeField(default=timezone.now)
    noted_by = models.ForeignKey(DepartmentPerson, models.PROTECT, null=True, related_name="+")
    approved_by = models.ForeignKey(DepartmentPerson, models.PROTECT, null=True, related_name="+")
    """The second person; None where the command line noted it alone."""

    class Meta:
        db_table = "people_certificate"
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(noted_by=models.F("person")) | models.Q(noted_by=None),
                name="people_certificate_by_another",
            ),
        )


class AccessRequest(models.Model):
    """What waits for a second person: a role, a certification, or a new way to log in; approved, it is given."""

    class Kind(models.TextChoices):
        """What is asked for."""

        ROLE = "role"
        CERTIFICATION = "certification"
        INVITATION = "invitation"

    id = models.UUIDField(primary_key=True, default=uuid4)
    person = models.ForeignKey(DepartmentPerson, models.PROTECT, related_name="requests")
    kind = models.CharField(max_length=16, choices=Kind)
    value = models.CharField(max_length=16, blank=True)
    """The role or the certification."""
    expires_at = models.DateTimeField(null=True)
    """The end of a certification."""
    batch = models.UUIDField(null=True)
    """The list of people that it is of, and is decided with."""
    via = models.CharField(max_length=64, null=True)
    """The identity provider whose groups ask for the role."""
    requested_by = models.ForeignKey(DepartmentPerson, models.PROTECT, null=True, related_name="+")
    """None: the command line, or an identity provider."""
    requested_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(DepartmentPerson, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    approved = models.BooleanField(null=True)

    class Meta:
        db_table = "people_request"
        ordering = ("requested_at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=["person", "kind", "value"], condition=models.Q(decided_at=None), name="people_request_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(requested_by=models.F("person")) | models.Q(requested_by=None),
                name="people_request_by_another",
            ),
        )

    def __str__(self) -> str:
        if self.kind == self.Kind.INVITATION:
            return "a new way to log in"
        if self.kind == self.Kind.CERTIFICATION:
            return f"the {Certification(self.value).label} certification"
        return f"the role {DepartmentRole(self.value).label}"


class TrainingResult(models.Model):
    """The result of training in one topic; of each topic the last one counts."""

    person = models.ForeignKey(DepartmentPerson, models.PROTECT, related_name="training")
    topic = models.CharField(max_length=12, choices=[(topic.value, topic.value) for topic in TrainingTopic])
    held_at = models.DateTimeField()
    passed = models.BooleanField()
    trainer = models.ForeignKey(DepartmentPerson, models.PROTECT, related_name="+")
    noted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "people_training"
        constraints = (
            models.CheckConstraint(condition=~models.Q(trainer=models.F("person")), name="people_training_by_another"),
        )


class CovertMember(models.Model):
    """Someone in a covert group: what is listed for it, and its hits, only its members see."""

    person = models.ForeignKey(DepartmentPerson, models.PROTECT, related_name="covert")
    group = models.CharField(max_length=32)
    """As in the hot list."""
    joined_at = models.DateTimeField(default=timezone.now)
    left_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "people_covert"
        constraints = (
            models.UniqueConstraint(
                fields=["person", "group"], condition=models.Q(left_at=None), name="people_covert_once"
            ),
        )


class ExerciseResult(models.Model):
    """How many exercises of a set someone did right, in one topic. It gives no right: a trainer notes training."""

    person = models.ForeignKey(DepartmentPerson, models.PROTECT, related_name="exercises")
    exercises = models.CharField(max_length=40)
    """The set's name."""
    topic = models.CharField(max_length=12, choices=[(topic.value, topic.value) for topic in TrainingTopic])
    asked = models.PositiveSmallIntegerField()
    right = models.PositiveSmallIntegerField()
    done_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "people_exercise"


class KnownDevice(models.Model):
    """A browser from which someone has logged on with all factors."""

    person = models.ForeignKey(DepartmentPerson, models.PROTECT, related_name="devices")
    device = models.UUIDField()
    """As in its cookie, which is signed."""
    known_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "people_device"
        constraints = (models.UniqueConstraint(fields=["person", "device"], name="people_device_once"),)


class DispatchConsole(models.Model):
    """A browser that is a dispatch console: anyone who is logged on there is not logged out when idle."""

    device = models.UUIDField()
    name = models.CharField(max_length=64)
    named_at = models.DateTimeField(default=timezone.now)
    named_by = models.ForeignKey(DepartmentPerson, models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(DepartmentPerson, models.PROTECT, null=True, related_name="+")

    class Meta:
        db_table = "people_console"
        constraints = (
            models.UniqueConstraint(fields=["device"], condition=models.Q(ended_at=None), name="people_console_once"),
        )


class LoginFailure(models.Model):
    """A wrong password or code of someone whom we know."""

    person = models.ForeignKey(DepartmentPerson, models.PROTECT, related_name="failures")
    device = models.UUIDField(null=True)
    """None where the person never logged on from it."""
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "people_failure"
        indexes = (models.Index(fields=["person", "at"], name="people_failure_at"),)


class UsedCode(models.Model):
    """A code of an authenticator app that was used: no process takes it again."""

    person = models.ForeignKey(DepartmentPerson, models.PROTECT, related_name="+")
    code = models.CharField(max_length=32)
    used_at = models.DateTimeField()
    period = models.BigIntegerField()
    """Five minutes, counted from 1970: two processes that ask at once ask within one."""

    class Meta:
        db_table = "people_used_code"
        constraints = (models.UniqueConstraint(fields=["person", "code", "period"], name="people_used_code_once"),)


class LoginLock(models.Model):
    """Passwords and codes of someone are refused from one device, or from all that are not known; passkeys never."""

    person = models.ForeignKey(DepartmentPerson, models.PROTECT, related_name="locks")
    device = models.UUIDField(null=True)
    locked_at = models.DateTimeField(default=timezone.now)
    released_at = models.DateTimeField(null=True)
    released_by = models.ForeignKey(DepartmentPerson, models.PROTECT, null=True, related_name="+")

    class Meta:
        db_table = "people_lock"
        constraints = (
            models.UniqueConstraint(
                fields=["person", "device"],
                condition=models.Q(released_at=None),
                nulls_distinct=False,
                name="people_lock_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(released_by=models.F("person")) | models.Q(released_by=None),
                name="people_lock_by_another",
            ),
        )


class ProviderGroup(models.Model):
    """The role that an identity provider's group stands for."""

    name = models.CharField(max_length=200)
    role = models.CharField(max_length=16, choices=[(role.value, role.label) for role in DepartmentRole])

    class Meta:
        db_table = "people_provider_group"
        constraints = (models.UniqueConstraint(fields=["name", "role"], name="people_provider_group_once"),)


class ProviderAccess(models.Model):
    """By what the identity provider is asked whether someone who logged on by it may still do so."""

    person = models.OneToOneField(DepartmentPerson, models.PROTECT, related_name="provider_access")
    provider = models.CharField(max_length=64)
    session = models.CharField(max_length=200, blank=True)
    """The provider's own name of the session (`sid`)."""
    refresh = models.TextField(blank=True)
    """The refresh token, encrypted; empty where the provider gives none."""
    ended_at = models.DateTimeField(null=True)
    """When the provider ended the access; None once it lets the person in again."""

    class Meta:
        db_table = "people_provider_access"

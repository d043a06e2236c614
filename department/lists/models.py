"""The lists' tables as Django sees them; persons are log-ins. The rules stand in sql/."""

from datetime import UTC, datetime, timedelta

from django.db import models
from django.db.models import Max

from platepost.wire.hotlist.layout import PatternEntry

HAND_BUILT = "by-hand"
"""The source as which a list is imported that `platepost provision hotlist` built before the signer began."""
CONFIRMED_WITHIN = timedelta(minutes=15)
"""For so long an entry may be active without a second person: see `lists_guard_entry.sql`."""


class ListEntry(models.Model):
    """A plate, or part of one, that posts are to look for, or one of the department's own vehicles."""

    plate = models.CharField(max_length=10)
    """A-Z and 0-9; in a partial one `?` for a character and `*` for any number of them. It belongs in no address."""
    characters = models.SmallIntegerField(null=True)
    """How many a partial plate has in all, where that is known."""
    state = models.CharField(max_length=3, null=True)
    category = models.CharField(max_length=32)
    priority = models.SmallIntegerField()
    distribution = models.CharField(max_length=32, null=True)
    """The covert group that alone may know of it."""
    safe = models.BooleanField(default=False)
    """The department's own vehicle: it alarms no one."""
    case_number = models.CharField(max_length=64)
    purpose = models.CharField(max_length=50)
    """One of the policy's."""
    reason = models.CharField(max_length=200)
    vehicle = models.CharField(max_length=200, default="")
    instructions = models.CharField(max_length=500, default="")
    author = models.CharField(max_length=64)
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    second_person = models.BooleanField()
    """Whether another person must approve it."""
    at_once = models.BooleanField(default=False)
    """Whether it is active before that; the database decides it."""
    approved_by = models.CharField(max_length=64, null=True)
    approved_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=64, null=True)
    ended_at = models.DateTimeField(null=True)
    ended_because = models.CharField(max_length=200, null=True)
    over_at = models.DateTimeField()
    listed_version = models.BigIntegerField(null=True)
    listed_at = models.DateTimeField(null=True)
    unlisted_version = models.BigIntegerField(null=True)

    class Meta:
        managed = False
        db_table = "lists_entry"

    @property
    def category_words(self) -> str:
        """The category, as people write it."""
        return self.category.replace("_", " ")

    @property
    def partial(self) -> bool:
        """Whether it is part of a plate."""
        return "?" in self.plate or "*" in self.plate

    @property
    def waits(self) -> bool:
        """Whether another person must approve it still."""
        return self.second_person and self.approved_at is None

    @property
    def unconfirmed(self) -> bool:
        """Whether it is active, and no other person has approved it."""
        return self.at_once and self.waits and self.ended_at is None

    @property
    def overdue(self) -> bool:
        """Whether another person should have approved it by now: until then its author has no other active at once."""
        return self.unconfirmed and datetime.now(UTC) - self.made_at > CONFIRMED_WITHIN

    @property
    def reference(self) -> str:
        """What a hit of it names: the case, and this entry."""
        return f"{self.case_number} #{self.pk}"

    @property
    def is_missing(self) -> bool:
        """Whether posts are to have it and do not."""
        return self.listed_version is None and self.ended_at is None and (self.at_once or not self.waits)

    @property
    def is_left_over(self) -> bool:
        """Whether it was ended, and posts have it still."""
        return self.listed_version is not None and self.unlisted_version is None and self.ended_at is not None

    def was_left_out(self, published_to: datetime | None) -> bool:
        """Tell whether posts had no room for a partial plate; all requests were published up to `published_to`."""
        if not self.partial or self.listed_version is not None or self.ended_at is not None or published_to is None:
            return False
        in_force = self.approved_at if self.second_person and not self.at_once else self.made_at
        return in_force is not None and in_force <= published_to

    def pattern(self, case: str, author: str) -> PatternEntry:
        """Return a partial plate as posts carry it. Raises pydantic.ValidationError where they would not take it."""
        fields = ("characters", "category", "priority", "state", "distribution")
        facts = {name: getattr(self, name) for name in fields}
        return PatternEntry(pattern=self.plate, case=case, author=author, expires=self.expires_at, **facts)


class ListRecovery(models.Model):
    """A car that was found, whose plate an import may list still."""

    plate = models.CharField(max_length=10)
    person = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now_add=True)
    reason = models.CharField(max_length=200)
    version = models.BigIntegerField(null=True)

    class Meta:
        managed = False
        db_table = "lists_recovery"


class ListImport(models.Model):
    """A file of a source, as it came, and what became of its rows."""

    source = models.CharField(max_length=32)
    at = models.DateTimeField(auto_now_add=True)
    system_user = models.CharField(max_length=64)
    mark = models.CharField(max_length=64)
    mapping = models.TextField()
    file = models.BinaryField(null=True)
    """None where a later one took its place. The pages do not see it."""
    accepted = models.IntegerField()
    refused = models.IntegerField()
    report = models.JSONField()
    """A line and a reason for each refused row, at most `imports.MOST_REPORTED`."""
    held_because = models.TextField(null=True)
    let_go_by = models.CharField(max_length=64, null=True)
    let_go_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "lists_import"

    @property
    def is_held(self) -> bool:
        """Whether a person must let it go before its rows count."""
        return self.held_because is not None and self.let_go_at is None

    @property
    def is_hand_built(self) -> bool:
        """Whether it is a list that was built by hand, of which there are no rows."""
        return self.source == HAND_BUILT


class ListRequest(models.Model):
    """What is to be published, and what came of it."""

    kind = models.CharField(max_length=8)
    person = models.CharField(max_length=64, null=True)
    at = models.DateTimeField(auto_now_add=True)
    override = models.CharField(max_length=200, null=True)
    state = models.CharField(max_length=9, default="waiting")
    message = models.TextField(default="")
    size_before = models.IntegerField(null=True)
    """Of one that is held for its size: how many entries posts have."""
    size_after = models.IntegerField(null=True)
    """How many they would have."""
    version = models.BigIntegerField(null=True)
    published_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "lists_request"

    @classmethod
    def held(cls) -> list["ListRequest"]:
        """Return the newest of each kind that is held, where no list that has it was published later.

        To let it go answers all before it.
        """
        held = {request.kind: request for request in cls._unanswered()}
        return [request for _, request in sorted(held.items())]

    @classmethod
    def held_since(cls) -> datetime | None:
        """Return since when a list has been held; None where none is."""
        return min((request.at for request in cls._unanswered()), default=None)

    @property
    def grows(self) -> int | None:
        """By how many entries the list would grow; less than nothing where it shrinks."""
        return None if self.size_after is None or self.size_before is None else self.size_after - self.size_before

    @property
    def shrinks(self) -> int | None:
        """By how many entries the list would shrink."""
        return None if self.grows is None or self.grows >= 0 else -self.grows

    @classmethod
    def _unanswered(cls) -> list["ListRequest"]:
        newest = dict(cls.objects.filter(state="published").values_list("kind").annotate(Max("pk")))
        complete, delta = newest.get("complete", 0), newest.get("delta", 0)
        answered = {"complete": complete, "delta": max(complete, delta)}
        return [
            request
            for request in cls.objects.filter(state="held").order_by("pk")
            if request.pk > answered[request.kind]
        ]


class ListLead(models.Model):
    """A read of the past that fits an entry. It says where to look, under a purpose; it is no alarm."""

    entry = models.ForeignKey(ListEntry, models.CASCADE, related_name="leads")
    pk = models.CompositePrimaryKey("entry_id", "record_id")
    record_id = models.BigIntegerField()
    plate_fold = models.TextField()
    found_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        managed = False
        db_table = "lists_lead"

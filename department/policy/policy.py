"""The policy file: for what records may be looked at, and for what never."""

import hashlib
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Self

from django.conf import settings
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from platepost.department.policy.errors import ForbiddenPurposeError, PolicyError, PurposeError
from platepost.department.policy.forbidden_words import find_forbidden, words_pattern
from platepost.department.policy.law import LAWS, OTHER, LawProfile

DEFAULT = Path(__file__).with_name("default.toml")
"""The policy file that a new department begins with."""
ALARM = "hot list alarm"
"""The purpose under which the console shows hits, and nothing else; a policy must have it, without a case number."""
_NEVER_SEARCH = frozenset({"administrator", "auditor", "trainer"})
"""Roles that see no record."""
Text = Annotated[str, Field(min_length=1, max_length=200)]
PolicyName = Annotated[str, Field(pattern=r"^[a-z][a-z -]{0,49}$")]


TEXT_PLACEHOLDER = re.compile(r"\{(\w+)\}")
TEXT_FIELDS = frozenset(
    {"agency", "contact", "law", "purposes", "forbidden", "retention", "sharing", "audits", "cases"}
)
"""What a policy's text may have in braces: see `platepost.department.policy.policy_text`."""
DEFAULT_CASES = "(?=.*[0-9])[A-Za-z0-9][A-Za-z0-9 ./#-]{2,62}"
"""Of departments that set none: at least three characters, a digit among them."""


def _expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"it is no regular expression: {error}") from error
    return pattern


def _known_law(name: str) -> str:
    if name not in LAWS and name != OTHER:
        raise ValueError(f"{name!r} is not one of {', '.join(LAWS)}, {OTHER}")
    return name


def _known_words(text: str) -> str:
    if unknown := {*TEXT_PLACEHOLDER.findall(text)} - TEXT_FIELDS:
        raise ValueError(f"{{{unknown.pop()}}} is not one of {', '.join(sorted(TEXT_FIELDS))}")
    return text


@dataclass(frozen=True, slots=True)
class AccessPurpose:
    """Why someone looks at records. The policy decides whether that will do."""

    purpose: str
    """One of the policy's, by its name."""
    case: str | None = None
    """The case number, where the purpose asks for one."""
    reason: str | None = None
    """What else there is to say; needed where it is exigent."""
    on_behalf_of: str | None = None
    """An agency of the register; None for the department itself."""
    exigent: bool = False
    """A life is in danger: the case number may come later, and a supervisor reviews it within a day."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class AllowedPurpose(_Part):
    """A purpose for which records may be looked at."""

    name: PolicyName
    says: Text
    """What the published policy says of it."""
    case: bool
    """Whether it needs a case number."""
    roles: tuple[str, ...] = ()
    """The roles that may have it, of which none means each that may search. The console's needs none: see `ALARM`."""


class ForbiddenUse(_Part):
    """What records are never looked at for."""

    name: PolicyName
    says: Text
    """What someone is told whose search it stops."""
    words: tuple[Text, ...]
    """Words that stop whatever they are written in, as `forbidden_words.words_pattern` compares them."""
    sampled: tuple[Text, ...] = ()
    """Words that stop nothing, and have a search drawn for an audit sooner than others."""
    innocent: tuple[Text, ...] = ()
    """Phrases that have one of the words and mean something else."""

    @property
    def pattern(self) -> str:
        """What stops."""
        return words_pattern(self.words)

    @property
    def near_pattern(self) -> str:
        """What is sampled."""
        return words_pattern((*self.sampled, *self.words), nearly=True)

    @property
    def innocent_pattern(self) -> str:
        """What is neither."""
        return words_pattern(self.innocent)

    def written_in(self, text: str) -> str | None:
        """Return the word that a text has, as it reads; None if it has none."""
        return find_forbidden(text, self.pattern, innocent=self.innocent_pattern)


class OtherLaw(_Part):
    """A law that is not among `LAWS`. Nothing of retention and sharing is assumed: the file states it."""

    title: Text
    state: str
    keep_at_least_days: int
    keep_at_most_days: int
    """36525 where the law has no ceiling."""
    shares_in_state_only: bool
    approves_searches: bool = False
    audit_days: int | None = None
    publication: str = ""
    sources: tuple[Text, ...]

    @cached_property
    def profile(self) -> LawProfile:
        """The law, as the others are."""
        return LawProfile(name=OTHER, **self.model_dump())

    @model_validator(mode="after")
    def _is_a_law(self) -> Self:
        self.profile  # noqa: B018 - which checks it
        return self


class AlertRules(_Part):
    """How hits are answered."""

    escalate_seconds: int = Field(default=60, ge=5, le=3600)
    """After which a hit that no one has taken escalates."""
    repeat_minutes: int = Field(default=30, ge=0, le=1440)
    """Within which another hit of the same plate is shown under the one before, and answered with it; never where 0."""
    second_person_substitute: str = Field(default="", max_length=160)
    """What stands in for a second person at a near match where there is none; nothing does where empty."""
    state_system: str = Field(default="", max_length=40)
    """The name of the system in which hits are confirmed, as pages show it; the law's state has one where empty."""
    trail_minutes: int = Field(default=60, ge=0, le=60)
    """For how long before an open hit the reads of its plate may be shown; never where 0."""


class ListRules(_Part):
    """How lists are made."""

    two_persons: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], ...] = ("all",)
    """What a second person approves: categories, `partial`, `covert`, `safe`, what a `dispatcher` enters, or `all`."""
    at_once: tuple[str, ...] = ()
    """Categories of which an entry is active before the second person approves it."""
    dispatchers: tuple[str, ...] = ()
    """Categories of which dispatchers, too, enter plates, whole or partial."""
    look_back: dict[str, Annotated[int, Field(ge=0, le=36525)]] = Field(default_factory=dict)
    """How many days back a new entry is searched for, by class of records: `no_hit`, `hit`."""
    recovered_hours: int = Field(48, ge=0, le=24 * 31)
    """For so long after a car was recovered an import does not list it again."""


class MisuseRules(_Part):
    """When a rule against misuse says that someone must answer for something: see docs/audits.md."""

    purpose: PolicyName = "audit"
    """The purpose under which samples are drawn and the ledger is gone through."""
    look_back_days: int = Field(42, ge=7, le=366)
    same_plate_days: int = Field(5, ge=2, le=366)
    same_plate_span_days: int = Field(14, ge=1, le=366)
    """From the first of these days to the last."""
    lone_visits: int = Field(2, ge=1)
    """Days with such a visit."""
    lone_visit_minutes: int = Field(60, ge=1, le=24 * 60)
    copied_reason_cases: int = Field(6, ge=2)
    reason_shared_by: int = Field(2, ge=1)
    """A text that more people than these write is how the department writes."""
    unrelated_plates: int = Field(6, ge=2)
    unrelated_days: int = Field(4, ge=1)
    volume_times: float = Field(2, gt=1)
    """Of what colleagues do."""
    followed_cases: int = Field(10, ge=3)
    answer_days: int = Field(14, ge=1, le=3660)
    """Within which the subject, or a supervisor, answers a finding."""
    close_days: int = Field(30, ge=1, le=3660)
    """Within which someone closes it."""


class Policy(_Part):
    """What the policy file says."""

    law_name: Annotated[str, AfterValidator(_known_law)] = Field(alias="law")
    other_law: OtherLaw | None = None
    """What the law `other` says; there with no other law."""
    text: Annotated[str, AfterValidator(_known_words)] = "{purposes}\n\n{forbidden}\n\n{retention}"
    """The policy as people read it, in Markdown, with words in braces for what else the file states."""
    case_numbers: Annotated[str, AfterValidator(_expression)] = Field(DEFAULT_CASES, max_length=200)
    """A regular expression of the department's whole case numbers, as both Python and PostgreSQL read it."""
    accuracy_reads: int = Field(10, ge=0, le=200)
    """Random reads of each post and week that two people label."""
    purposes: tuple[AllowedPurpose, ...] = Field(min_length=1)
    forbidden: tuple[ForbiddenUse, ...]
    alerts: AlertRules = AlertRules()
    lists: ListRules = ListRules()
    misuse: MisuseRules = MisuseRules()
    digest: str
    """SHA-256 of the file, hexadecimal: it stands in every entry that a purpose opens."""

    @property
    def law(self) -> LawProfile:
        """The law that binds the department."""
        if self.other_law is not None:
            return self.other_law.profile
        return LAWS[self.law_name]

    @property
    def state_system(self) -> str:
        """The name of the system in which hits are confirmed; empty where neither department nor law has one."""
        return self.alerts.state_system or self.law.state_system

    @model_validator(mode="after")
    def _states_its_law(self) -> Self:
        if (self.law_name == OTHER) != (self.other_law is not None):
            raise ValueError(
                f"law = {OTHER!r} needs a table [other_law] that states retention and sharing, and no other law has one"
            )
        return self

    @property
    def offered(self) -> tuple[AllowedPurpose, ...]:
        """The purposes for which someone may search: neither the console's nor one for roles that never search."""
        return tuple(
            purpose
            for purpose in self.purposes
            if purpose.name != ALARM and (not purpose.roles or not _NEVER_SEARCH.issuperset(purpose.roles))
        )

    def require(self, purpose: AccessPurpose, *, any_case: bool = False) -> None:
        """Make sure that records may be looked at for a purpose; whose purpose it is, the database knows.

        Args:
            purpose: why.
            any_case: whether the case number is not the department's own, such as a partner's commitment to one.

        Raises:
            ForbiddenPurposeError: what was written names what is forbidden.
            PurposeError: the purpose is unknown, or something is missing.

        """
        fields = {"purpose": purpose.purpose, "case number": purpose.case, "reason": purpose.reason}
        self.require_words(**fields, agency=purpose.on_behalf_of)
        known = next((allowed for allowed in self.purposes if allowed.name == purpose.purpose), None)
        if known is None:
            names = ", ".join(allowed.name for allowed in self.purposes)
            raise PurposeError(f"{purpose.purpose!r} is not a purpose of the policy; it has: {names}")
        if purpose.exigent and not (purpose.reason or "").strip():
            raise PurposeError("an exigent search needs a reason")
        case = (purpose.case or "").strip()
        if known.case and not purpose.exigent and not case:
            raise PurposeError(f"the purpose {known.name!r} needs a case number")
        if case and not any_case:
            self.require_case(case)

    def require_case(self, case: str) -> None:
        """Make sure that a text is a case number. Raises PurposeError."""
        if re.fullmatch(self.case_numbers, case) is None:
            raise PurposeError("That is not a case number of this department. Enter the number as the report has it.")

    def require_words(self, **texts: str | None) -> None:
        """Make sure that texts, by what people call their fields, name nothing that is forbidden.

        Raises:
            ForbiddenPurposeError: one does.

        """
        for use in self.forbidden:
            for field, text in texts.items():
                word = use.written_in(text or "")
                if word is not None:
                    raise ForbiddenPurposeError(use.says, forbidden=use.name, word=word, field=field)


def read_policy(path: Path) -> Policy:
    """Read a policy file.

    Raises:
        PolicyError: it is missing or wrong.

    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise PolicyError(f"{path}: {error.strerror}; `platepost department upgrade` makes one") from error
    return parsed_policy(raw, where=str(path))


def parsed_policy(raw: bytes, *, where: str) -> Policy:
    """Return what the bytes of a policy file state. Raises PolicyError, which names `where` they are from."""
    try:
        payload = tomllib.loads(raw.decode("utf-8-sig"))
    except ValueError as error:
        raise PolicyError(f"{where} is not TOML: {error}") from error
    try:
        return Policy.model_validate({**payload, "digest": hashlib.sha256(raw).hexdigest()})
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors())
        raise PolicyError(f"{where}: {'; '.join(wrong)}") from error


def policy_in_force() -> Policy:
    """Return the policy of the department that Django is set up for, as its file says now.

    Raises:
        PolicyError: it is missing or wrong.

    """
    path: Path = settings.POLICY_FILE
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        changed = 0
    return _read(path, changed)


@lru_cache(maxsize=2)
def _read(path: Path, changed: int) -> Policy:
    del changed  # only tells one state of the file from another
    return read_policy(path)

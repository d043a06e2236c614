"""The hot list of a running post: loaded at the start, taken from the broker, judged by its age, audited."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import JsonValue

from platepost.device.audit.log import AuditEvent, AuditLog
from platepost.device.audit.rate_limit import RateLimitedAudit
from platepost.device.clock.timekeeper import Timekeeper
from platepost.device.part import Part, Tables
from platepost.wire.faults import Fault
from platepost.wire.hotlist import (
    HotList,
    HotListNotStored,
    HotListRefused,
    HotListStore,
    RefusalReason,
)
from platepost.wire.hotlist.epochs import LONGEST_MESSAGE, is_key_message
from platepost.wire.hotlist.manifest import Manifest
from platepost.wire.hotlist.package import Package, PackageFile
from platepost.wire.hotlist.settings import HotListSettings
from platepost.wire.kernel_clock import CLOCK_TOLERANCE
from platepost.wire.records import Finding, HotListState, timestamp
from platepost.wire.records.parts import ListState

log = logging.getLogger(__name__)


NOT_STORED = "not_stored"
"""Why a package that is sound is not in force: disk or memory did not take it."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What became of a package: the version in force, or the reason why it is not, and either in words."""

    version: int | None
    reason: str | None
    said: str


class HotListService(Part):
    """Keeps one list in force and says in the audit what became of every package."""

    def __init__(
        self,
        store: HotListStore,
        settings: HotListSettings,
        audit: AuditLog,
        *,
        rate_limited: RateLimitedAudit,
        timekeeper: Timekeeper,
    ) -> None:
        self._store = store
        self._rate_limited = rate_limited
        self._time = timekeeper
        self.settings = settings
        """Those in force."""
        self._audit = audit
        self._damage_told = False
        self._listeners: list[Callable[[], None]] = []

    @property
    def current(self) -> HotList | None:
        """The list in force."""
        return self._store.current

    @property
    def recipient(self) -> str:
        """Thumbprint of the post's key, to which keys of epochs are encrypted."""
        return self._store.recipient

    def adjust(self, tables: Tables) -> None:
        """Judge ages by other figures from now on."""
        self.settings = tables.table(HotListSettings)

    def start(self) -> None:
        """Put the last good list on disk in force."""
        loaded = self._store.load()
        log.info("hot list on disk: %s", "none" if loaded is None else f"version {loaded.version}")

    def poll(self, now: float) -> None:  # noqa: ARG002 - once
        """Say which packages on disk could not be used: after the record that the post has started."""
        if self._damage_told:
            return
        self._damage_told = True
        for reason in self._store.damaged:
            self._audit.record("hotlist_refused", source="disk", outcome="refused", reason=reason.value)

    def faults(self) -> set[Fault]:
        """Name it if the list is missing or stale."""
        state = self.state().state
        conditions = {
            Fault.HOTLIST_MISSING: state == "none",
            Fault.HOTLIST_STALE: state == "stale",
        }
        return {fault for fault, present in conditions.items() if present}

    def findings(self) -> tuple[Finding, ...]:
        """Say which list is active."""
        state = self.state()
        good = state.state in {"current", "warning"}
        if state.version is None:
            return (Finding(point="hot list", good=False, said="none has come yet"),)
        age = (state.age_seconds or 0) / 3600
        message = f"version {state.version}, {age:.1f} h old, {state.state}"
        return (Finding(point="hot list", good=good, said=message),)

    def let_go(self) -> None:
        """Let go of the lists whose key was revoked, and say so in the audit."""
        for reason in self._store.withdraw():
            log.error("a hot list on disk is discarded: %s", reason)
            self._audit.record_soon(AuditEvent("hotlist_refused", "disk", "refused", reason=reason.value))

    def on_installed(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after every installation, in the thread that installed; it must be quick."""
        self._listeners.append(listener)

    def install(self, package: Package, *, source: str = "broker") -> Installation:
        """Take a package, or say in the audit and to the caller why not; from any thread but that of the frames."""
        try:
            hotlist = self._store.install(package, at=self._time.apart_from_list(), latest=self._time.latest())
        except HotListRefused as refusal:
            return self.refuse(refusal, source=source)
        except HotListNotStored as error:
            return self._not_stored(error, source)
        details: dict[str, JsonValue] = {
            "kind": hotlist.manifest.kind,
            "entries": hotlist.entries,
            "patterns": hotlist.patterns,
            "digest": hotlist.digest,
            "built": timestamp(hotlist.built),
        }
        if hotlist.manifest.kind == "delta":
            details |= {"additions": hotlist.manifest.additions, "removals": hotlist.manifest.removals}
        self._audit.record_soon(
            AuditEvent(
                "hotlist_installed",
                source,
                identity=hotlist.issuer[:120],
                object=str(hotlist.version),
                details=details,
            )
        )
        for listener in self._listeners:
            listener()
        return Installation(hotlist.version, None, f"version {hotlist.version} is active")

    def install_keys(self, message: Package, *, source: str = "broker") -> Installation:
        """Take the keys of epochs, or say in the audit and to the caller why not."""
        try:
            keys = self._store.install_keys(bytes(message[:LONGEST_MESSAGE]))
        except HotListRefused as refusal:
            return self.refuse(refusal, source=source)
        except HotListNotStored as error:
            return self._not_stored(error, source)
        return Installation(keys.number, None, f"keys of {len(keys.epochs)} epochs are held")

    def install_file(self, file: PackageFile) -> Installation:
        """Take what someone brought, a package or keys of epochs, or say why not."""
        if is_key_message(bytes(file[:LONGEST_MESSAGE])):
            return self.install_keys(file, source="file")
        return self.install(file, source="file")

    def examine(self, line: bytes) -> Manifest:
        """Judge a package by its manifest alone. Raises HotListRefused."""
        return self._store.examine(line, at=self._time.apart_from_list(), latest=self._time.latest())

    def refuse(self, refusal: HotListRefused, *, source: str = "broker") -> Installation:
        """Say in the audit that a package was not taken, and why."""
        # A retained package comes again at every connection, and is no event then.
        if refusal.reason is not RefusalReason.REPEATED:
            log.warning("hot list refused: %s", refusal.reason)
            self._rate_limited.refused(
                "hotlist_refused",
                source=source,
                reason=refusal.reason.value,
                verified=refusal.signed,
                object=None if refusal.version is None else str(refusal.version),
                details={"message": str(refusal)[:300]},
            )
        return Installation(None, refusal.reason.value, str(refusal))

    def _not_stored(self, error: HotListNotStored, source: str) -> Installation:
        log.error("hot list not stored: %s", error)
        # Tried again and again, for as long as the disk is full.
        self._rate_limited.record("hotlist_refused", source=source, outcome="failure", reason=NOT_STORED)
        return Installation(None, NOT_STORED, str(error))

    def state(self) -> HotListState:
        """Say which list is active and how old it is now."""
        return self.judge(self.current)

    def judge(self, hotlist: HotList | None) -> HotListState:
        """Say which list that is, and how old it is now."""
        return list_state(hotlist, self.settings, at=self.moment())

    def stale_by(self, tables: Tables) -> bool:
        """Tell whether the list in force would be stale now by the figures of another configuration."""
        return list_state(self.current, tables.table(HotListSettings), at=self.moment()).state == "stale"

    def moment(self) -> datetime:
        """Return the moment by which lists and entries are judged now.

        What the clock said when a frame was captured is none: one in the past would make an old list young and have
        entries alarm that ended, one in the future would end entries that are in force.
        """
        return self._time.now()

    @property
    def in_service(self) -> bool:
        """Whether the post may read: it has a list that is not stale, or is allowed to do without."""
        return self.settings.in_service_without_list or self.state().state in {"current", "warning"}


def list_state(hotlist: HotList | None, settings: HotListSettings, *, at: datetime) -> HotListState:
    """Judge a list at a moment."""
    if hotlist is None:
        return HotListState(state="none", near_alternatives=settings.near_alternatives)
    return HotListState(
        state=freshness(hotlist.manifest, settings, at=at),
        version=hotlist.version,
        issuer=hotlist.issuer,
        built=hotlist.built,
        age_seconds=round(max(0.0, (at - hotlist.built).total_seconds()), 1),
        entries=hotlist.entries + hotlist.patterns,
        near_alternatives=settings.near_alternatives,
    )


def freshness(manifest: Manifest, settings: HotListSettings, *, at: datetime) -> ListState:
    """Judge a list's age at a moment.

    A list past the issuer's own `expires` is stale however young. One built after `at` by more than clocks differ
    warns: the post's clock is behind, and the age is not known.
    """
    age = at - manifest.built
    if age > timedelta(hours=settings.stale_hours) or at >= manifest.expires:
        return "stale"
    if age > timedelta(hours=settings.warning_hours) or -age > CLOCK_TOLERANCE:
        return "warning"
    return "current"

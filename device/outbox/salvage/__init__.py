"""Salvage: what can still be read of a damaged outbox, page by page, without SQLite, which gives up at the first."""

from device.outbox.salvage.records import Row, Salvaged, salvage
from device.outbox.salvage.wal import wal_is_damaged

__all__ = ["Row", "Salvaged", "salvage", "wal_is_damaged"]

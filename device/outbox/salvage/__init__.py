"""Salvage: what can still be read of a damaged outbox, page by page, without SQLite, which gives up at the first."""

from platepost.device.outbox.salvage.finds import ReadableRecord
from platepost.device.outbox.salvage.forest import Forest
from platepost.device.outbox.salvage.records import Salvaged, SalvagedRecord, salvage
from platepost.device.outbox.salvage.wal import wal_is_damaged, wal_is_readable

__all__ = ["Forest", "ReadableRecord", "Salvaged", "SalvagedRecord", "salvage", "wal_is_damaged", "wal_is_readable"]

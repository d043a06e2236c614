"""Plates that leave the list, from a file of the same forms as an export; only the plate's column must be there."""

from collections.abc import Iterator
from pathlib import Path

from platepost.provisioning.hotlist.changes import Removal
from platepost.provisioning.hotlist.cleaning import clean_plate, clean_reference
from platepost.provisioning.hotlist.form import MEANINGS
from platepost.provisioning.hotlist.mapping import SourceMapping
from platepost.provisioning.hotlist.rows import RefusedRow, RowRefusedError
from platepost.provisioning.hotlist.source import open_source


def read_removals(path: Path, mapping: SourceMapping) -> Iterator[Removal | RefusedRow]:
    """Yield every removal of a file; category, state and reference, where given, narrow down which entries go.

    Raises SourceError when the file cannot be read, or has no column of plates.
    """
    with open_source(path, mapping, plates_only=True) as source:
        for record in source.records():
            if isinstance(record, RefusedRow):
                yield record
                continue
            line, fields = record
            row = dict(zip(MEANINGS, fields, strict=True))
            try:
                yield Removal(
                    line,
                    clean_plate(row["plate"]),
                    mapping.allow(row["category"]).category if row["category"].strip() else None,
                    mapping.state(row["state"]),
                    clean_reference(row["reference"]),
                )
            except RowRefusedError as refusal:
                yield RefusedRow(line, str(refusal))

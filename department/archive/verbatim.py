"""What is given away verbatim: records as posts sent them."""

import json
from base64 import b64encode
from typing import Any

from platepost.department.custody.codec import RAW, stored_form
from platepost.department.custody.reading import WholeRecord


def as_sent(whole: WholeRecord) -> bytes | None:
    """Return the JSON of a record with its pictures in it, on one line; None of what cannot be read.

    `platepost.wire.records.canonical.canonical_bytes` of it are the bytes that were signed. Pictures that are not
    kept are absent, as those that a post left out.
    """
    stored, pictures = whole
    if stored.codec == RAW:
        return None
    event: dict[str, Any] = json.loads(stored.json_bytes())
    bodies = {(picture.kind, picture.sha256.hex()): picture.body for picture in pictures}
    data = event.get("data")
    named = data.get("pictures") if isinstance(data, dict) and bodies else None
    for picture in named if isinstance(named, list) else ():
        body = bodies.get((picture.get("kind"), picture.get("sha256")))
        if body is not None:
            picture["data"] = b64encode(body).decode("ascii")
    return stored_form(event)

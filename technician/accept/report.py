"""The acceptance report: one page of HTML with its pictures, which prints on paper as it stands."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import jinja2

from platepost.common.language import Phrase, catalog, day, local, terminal_language, translated
from platepost.common.pages import PAGES
from platepost.device.config import Configuration
from platepost.technician.accept.result import Result
from platepost.technician.accept.service import AcceptanceCriteria
from platepost.technician.technician import Technician
from platepost.wire.records import Role, Versions

_ROLES = {Role.TECHNICIAN: Phrase("technician"), Role.ADMINISTRATOR: Phrase("administrator")}
_TEMPLATES = Path(__file__).parent / "templates"


def page(
    configuration: Configuration,
    technician: Technician,
    results: Sequence[Result],
    *,
    versions: Versions,
    limits: AcceptanceCriteria,
    began: datetime,
    ended: datetime,
) -> bytes:
    """Write the page, without signatures, in the technician's language and the unit's own time."""
    language = terminal_language()
    words = catalog(language)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([_TEMPLATES, PAGES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["said"] = lambda phrase: translated(phrase, words)
    environment.filters["local"] = local
    environment.filters["day"] = day
    text = environment.get_template("report.html").render(
        language=language,
        t=lambda text, **fields: Phrase(text, **fields).within(words),
        post=configuration.post,
        technician=technician,
        role=_ROLES[technician.identity.role],
        results=results,
        accepted=all(result.good for result in results),
        pictures=[picture for result in results for picture in result.pictures],
        versions=versions,
        camera=configuration.camera.backend,
        limits=limits,
        began=began,
        ended=ended,
    )
    return text.encode() + b"\n"

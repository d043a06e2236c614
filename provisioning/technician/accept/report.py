"""The acceptance report: one page of HTML with its pictures, which prints on paper as it stands."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import jinja2

from device.config import Configuration
from device.records import Versions
from provisioning.pages import PAGES
from provisioning.technician.accept.result import Result
from provisioning.technician.accept.service import AcceptanceCriteria
from provisioning.technician.technician import Technician

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
    """Write the page, without signatures."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([_TEMPLATES, PAGES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template("report.html").render(
        post=configuration.post,
        technician=technician,
        role=technician.identity.role.value,
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

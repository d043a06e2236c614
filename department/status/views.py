"""The status page."""

from django.conf import settings
from django.db import Error
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from platepost.department.audits.services import open_findings, overdue_duties
from platepost.department.people.access import CurrentRequest, needs
from platepost.department.people.rights import Permission
from platepost.department.status.golive import go_live_items
from platepost.department.status.status import custody_status


@needs(Permission.SEE_STATUS)
@require_safe
def status(request: CurrentRequest) -> HttpResponse:
    """Show what is kept, and what the person should have done by now."""
    try:
        status_report = custody_status(
            settings.STATUS_DISKS,
            receipts=settings.STATUS_RECEIPTS,
            nightly=settings.STATUS_NIGHTLY,
            bucket=settings.PICTURE_BUCKET,
        )
        duties = overdue_duties(request.user.login, request.authorization.permitted)
        findings = open_findings(request.user.login)
    except Error:
        return render(request, "web/unavailable.html", status=503)
    return render(request, "status/status.html", {"status": status_report, "duties": duties, "findings": findings})


@needs(Permission.SEE_STATUS)
@require_safe
def go_live(request: CurrentRequest) -> HttpResponse:
    """Show what the department lacks before it goes live, with the pages that mend it."""
    items = go_live_items(timezone.now(), nightly=settings.STATUS_NIGHTLY)
    return render(request, "status/golive.html", {"items": items, "open": sum(not item.met for item in items)})

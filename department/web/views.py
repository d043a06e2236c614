"""The pages' answers."""

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from department.people.access import needs
from department.people.rights import Permission
from department.web.status import custody_status


@needs(Permission.SEE_STATUS)
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Show what is kept."""
    try:
        found = custody_status(settings.STATUS_DISKS, receipts=settings.STATUS_RECEIPTS)
    except Error:
        return render(request, "web/unavailable.html", status=503)
    return render(request, "web/status.html", {"status": found})

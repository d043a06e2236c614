"""Placeholder for a stored picture that cannot be shown."""

from django.http import HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext

from platepost.department.custody.errors import CustodyError, PictureStoreError

_DRAWN = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 48" width="480" height="48">'
    '<rect width="480" height="48" fill="#fff"/>'
    '<text x="12" y="30" font-family="sans-serif" font-size="16" fill="#900">{}</text></svg>'
)


def placeholder_image(error: CustodyError) -> HttpResponse:
    """Answer with a drawing that says why there is no picture."""
    if isinstance(error, PictureStoreError):
        text, status = gettext("No picture now: the store that it lies in does not answer."), 503
    else:
        text, status = gettext("No picture: it is missing or damaged."), 404
    return HttpResponse(format_html(_DRAWN, text), content_type="image/svg+xml", status=status)

"""Answers with a stored picture, or with a placeholder where it cannot be shown."""

from contextlib import AbstractContextManager

from django.http import Http404, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext

from platepost.department.custody.errors import CustodyError, PictureStoreError
from platepost.department.custody.reading import picture
from platepost.department.ledger.entries import OpenEntry

_DRAWN = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 48" width="480" height="48">'
    '<rect width="480" height="48" fill="#fff"/>'
    '<text x="12" y="30" font-family="sans-serif" font-size="16" fill="#900">{}</text></svg>'
)


def placeholder_image(error: CustodyError) -> HttpResponse:
    """Answer with a drawing that says why there is no picture."""
    if isinstance(error, PictureStoreError):
        text, status = gettext("No picture now: the store that has it does not answer."), 503
    else:
        text, status = gettext("No picture: it is missing or damaged."), 404
    return HttpResponse(format_html(_DRAWN, text), content_type="image/svg+xml", status=status)


def picture_response(opened: AbstractContextManager[OpenEntry], record: int, kind: str) -> HttpResponse:
    """Answer with a picture of a record, fetched under an entry of its own.

    Raises:
        django.http.Http404: there is none.

    """
    with opened as entry:
        try:
            stored = picture(entry, record, kind)
        except CustodyError as error:
            return placeholder_image(error)
    if stored is None:
        raise Http404
    return HttpResponse(stored.body, content_type=stored.media_type)

"""The page of quality: how often hits are rejected, and how many of a random sample of reads two people find wrong."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from platepost.department.alerts.accuracy import label_sample, next_sample, sample_picture, sampled_reads
from platepost.department.alerts.errors import AlertError
from platepost.department.alerts.quality import RejectRate, hit_quality, stale_sources
from platepost.department.custody.errors import CustodyError
from platepost.department.custody.placeholder_image import placeholder_image
from platepost.department.people.access import CurrentRequest, needs
from platepost.department.people.rights import Permission

DAYS = 90


@needs(Permission.SEE_STATUS)
@require_safe
def quality(request: HttpRequest) -> HttpResponse:
    """Show the rates, each with its interval: no plate, no person, nothing of covert groups."""
    until = datetime.now(UTC)
    report = hit_quality(until - timedelta(days=DAYS), until)
    groups = {
        "Hits": {"all": report.reasons},
        "By post": report.posts,
        "By source of the list": report.sources,
        "By category of the list": {name.replace("_", " "): rates for name, rates in report.categories.items()},
    }
    tables = [
        (title, {name: _in_words(rates) for name, rates in rates_by_name.items()})
        for title, rates_by_name in groups.items()
    ]
    context = {
        "days": DAYS,
        "tables": tables,
        "pairs": report.pairs,
        "reads": sampled_reads(),
        "stale": stale_sources(),
    }
    return render(request, "alerts/quality.html", context)


def _in_words(rates: Mapping[str, RejectRate]) -> dict[str, RejectRate]:
    return {"any" if reason == "all" else reason.replace("_", " "): rate for reason, rate in rates.items()}


@needs(Permission.SEE_PICTURES)
@require_http_methods(["GET", "HEAD", "POST"])
def label(request: CurrentRequest) -> HttpResponse:
    """Show a random read's picture, and not what was read; by POST take what someone sees in it."""
    refused, number = "", request.POST.get("sample", "")
    if request.method == "POST" and number.isdecimal() and len(number) < 19:
        try:
            label_sample(int(number), request.user, "" if "illegible" in request.POST else request.POST.get("text", ""))
            return redirect("quality_label")
        except AlertError as error:
            refused = str(error)
    context = {"sample": next_sample(request.user), "refused": refused}
    return render(request, "alerts/label.html", context, status=422 if refused else 200)


@needs(Permission.SEE_PICTURES)
@require_safe
def sample(request: CurrentRequest, number: int) -> HttpResponse:
    """Show the picture of a sample's plate."""
    try:
        picture = sample_picture(number, request.user) if number == next_sample(request.user) else None
    except CustodyError as error:
        return placeholder_image(error)
    if picture is None:
        raise Http404
    return HttpResponse(picture.body, content_type=picture.media_type)

"""Where a person begins, and the page of help: what each page is for, what they lack for more, and whom to ask."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from platepost.department.people.access import CurrentRequest, needs
from platepost.department.people.models import RoleGrant
from platepost.department.people.rights import DepartmentRole, Permission
from platepost.department.policy.policy import policy_in_force
from platepost.department.web.navigation import sections_of

_ASKED = {
    DepartmentRole.SUPERVISOR: _("a search or a list entry that waits, a locked account, a hit that you are unsure of"),
    DepartmentRole.ADMINISTRATOR: _("your account, your roles, a certification, a new way to sign in"),
    DepartmentRole.TRAINER: _("training that has ended, exercises"),
    DepartmentRole.RECORDS_MANAGER: _("anyone outside who asks for records, holds, evidence, a suspected breach"),
    DepartmentRole.AUDITOR: _("a finding about you, a search that worries you"),
}
"""By role, what to ask its people about."""
_HOMES = {
    DepartmentRole.DISPATCHER: "console",
    DepartmentRole.OPERATOR: "search",
    DepartmentRole.RECORDS_MANAGER: "requests",
    DepartmentRole.AUDITOR: "audits",
}
"""By role, the page that its work begins on; who has several roles begins on the first."""


@needs(Permission.OWN_ACCOUNT)
@require_safe
def home(request: CurrentRequest) -> HttpResponse:
    """Lead a person who has signed in to the page of their work, or to the status where their role has none."""
    open_to_them = {link.address for section in sections_of(request) for link in section.links}
    pages = [reverse(route) for role, route in _HOMES.items() if role in request.authorization.roles]
    return redirect(next((page for page in pages if page in open_to_them), reverse("status")))


@needs(Permission.OWN_ACCOUNT)
@require_safe
def help_page(request: CurrentRequest) -> HttpResponse:
    """Show what each page that the person may open is for, the purposes of searches, and whom to ask."""
    held = RoleGrant.objects.filter(role__in=_ASKED, ended_at=None, person__disabled_at=None)
    people = [(grant.role, grant.person.name) for grant in held.select_related("person").order_by("person__name")]
    shown = {
        "sections": sections_of(request),
        "ask": [(role.label, about, [name for of, name in people if of == role]) for role, about in _ASKED.items()],
        "lacks": request.authorization.lacks_for_duty(),
        "policy": policy_in_force(),
    }
    return render(request, "people/help.html", shown)

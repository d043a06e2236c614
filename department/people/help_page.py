"""The page of help: what each page is for, what a person lacks for more, and whom to ask."""

from django.http import HttpResponse
from django.shortcuts import render
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


@needs(Permission.OWN_ACCOUNT)
@require_safe
def help_page(request: CurrentRequest) -> HttpResponse:
    """Show what each page that the person may open is for, the purposes of searches, and whom to ask."""
    held = RoleGrant.objects.filter(role__in=_ASKED, ended_at=None, person__disabled_at=None)
    people = [(grant.role, grant.person.name) for grant in held.select_related("person").order_by("person__name")]
    shown = {
        "sections": sections_of(request),
        "ask": [(role.label, about, [name for of, name in people if of == role]) for role, about in _ASKED.items()],
        "lacks": request.currency.lacks_for_duty(),
        "policy": policy_in_force(),
    }
    return render(request, "people/help.html", shown)

"""The addresses of the pages of sharing."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from platepost.department.people.rights import Permission
from platepost.department.sharing import direct_feeds, policy_views, views
from platepost.department.web.navigation import NavigationEntry, NavigationGroup

urlpatterns = [
    path("direct-feeds/", direct_feeds.show, name="direct_feeds"),
    path("direct-feeds/agree/", direct_feeds.agree, name="direct_feeds_agree"),
    path("direct-feeds/<int:agreement>/confirm/", direct_feeds.confirm, name="direct_feeds_confirm"),
    path("policy/", policy_views.policy, name="policy"),
    path("policy/text/", policy_views.policy_text, name="policy_text"),
    path("policy/text.pdf", policy_views.policy_pdf, name="policy_pdf"),
    path("policy/law/propose/", policy_views.propose_law, name="law_propose"),
    path("policy/law/confirm/", policy_views.confirm_law, name="law_confirm"),
    path("policy/publish/", policy_views.publish, name="policy_publish"),
    path("agencies/", views.agencies, name="agencies"),
    path("agencies/confirm/<slug:what>/", views.confirm_agencies, name="agency_confirm"),
    path("agencies/<slug:what>/", views.change_agencies, name="agency_change"),
    path("requests/", views.requests, name="requests"),
    path("requests/<int:number>/", views.one_request, name="request"),
    path("requests/<int:number>/letter/<slug:which>/", views.letter, name="request_letter"),
    path("requests/<int:number>/letter/<slug:which>.pdf", views.letter_pdf, name="request_letter_pdf"),
    path("requests/<int:number>/log/", views.redacted_log, name="request_log"),
    path("requests/<int:number>/<slug:what>/", views.change_request, name="request_change"),
    path("incidents/", views.incidents, name="incidents"),
    path("incidents/<int:number>/", views.incident, name="incident"),
    path("incidents/<int:number>/list/", views.sealed_list, name="incident_list"),
    path("incidents/<int:number>/notice/<slug:whom>/", views.notice, name="incident_notice"),
    path("incidents/<int:number>/notice/<slug:whom>.pdf", views.notice_pdf, name="incident_notice_pdf"),
    path("incidents/<int:number>/notified/", views.notified, name="incident_notified"),
]

navigation = (
    NavigationEntry(
        NavigationGroup.OVERSIGHT,
        20,
        "requests",
        _("Requests"),
        Permission.ANSWER_REQUESTS,
        _("Public-records requests, subpoenas, and other agencies' requests, each with its deadline."),
    ),
    NavigationEntry(
        NavigationGroup.OVERSIGHT,
        30,
        "incidents",
        _("Breaches"),
        Permission.ANSWER_REQUESTS,
        _("What to do after a breach, whom it affects, and their notices."),
    ),
    NavigationEntry(
        NavigationGroup.OVERSIGHT,
        90,
        "policy",
        _("Policy"),
        summary=_("The policy as people read it, its versions, and how each clause is met."),
    ),
    NavigationEntry(
        NavigationGroup.OVERSIGHT,
        100,
        "agencies",
        _("Agencies"),
        Permission.SEE_AGENCIES,
        _("Other agencies, and what was agreed with them."),
    ),
    NavigationEntry(
        NavigationGroup.OVERSIGHT,
        120,
        "direct_feeds",
        _("Direct feeds"),
        summary=_("Who receives every read past these pages, and by which agreement."),
    ),
)

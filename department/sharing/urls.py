"""The addresses of the pages of sharing."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from platepost.department.people.rights import Permission
from platepost.department.sharing import direct_feeds, views
from platepost.department.web.navigation import NavigationEntry

urlpatterns = [
    path("direct-feeds/", direct_feeds.show, name="direct_feeds"),
    path("direct-feeds/agree/", direct_feeds.agree, name="direct_feeds_agree"),
    path("direct-feeds/<int:agreement>/confirm/", direct_feeds.confirm, name="direct_feeds_confirm"),
    path("policy/", views.policy, name="policy"),
    path("policy/law/propose/", views.propose_law, name="law_propose"),
    path("policy/law/confirm/", views.confirm_law, name="law_confirm"),
    path("policy/publish/", views.publish, name="policy_publish"),
    path("agencies/", views.agencies, name="agencies"),
    path("agencies/confirm/<slug:what>/", views.confirm_agencies, name="agency_confirm"),
    path("agencies/<slug:what>/", views.change_agencies, name="agency_change"),
    path("requests/", views.requests, name="requests"),
    path("requests/<int:number>/", views.one_request, name="request"),
    path("requests/<int:number>/log/", views.redacted_log, name="request_log"),
    path("requests/<int:number>/<slug:what>/", views.change_request, name="request_change"),
    path("incidents/", views.incidents, name="incidents"),
    path("incidents/<int:number>/list/", views.sealed_list, name="incident_list"),
    path("incidents/<int:number>/notice/<slug:whom>/", views.notice, name="incident_notice"),
    path("incidents/<int:number>/notice/<slug:whom>.pdf", views.notice_pdf, name="incident_notice_pdf"),
    path("incidents/<int:number>/notified/", views.notified, name="incident_notified"),
]

navigation = (
    NavigationEntry(70, "agencies", _("Agencies"), Permission.SEE_AGENCIES),
    NavigationEntry(90, "requests", _("Requests"), Permission.ANSWER_REQUESTS),
    NavigationEntry(100, "incidents", _("Breaches"), Permission.ANSWER_REQUESTS),
    NavigationEntry(110, "policy", _("Policy")),
    NavigationEntry(150, "direct_feeds", _("Side doors")),
)

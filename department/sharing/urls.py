"""Where the pages of sharing are."""

from django.urls import path

from department.sharing import views

urlpatterns = [
    path("policy/", views.policy, name="policy"),
    path("policy/publish/", views.publish, name="policy_publish"),
    path("agencies/", views.agencies, name="agencies"),
    path("agencies/set/", views.set_agency, name="agency_set"),
    path("agencies/verify/", views.verify, name="agency_verify"),
    path("agencies/agree/", views.agree, name="agency_agree"),
    path("agencies/agreements/<int:number>/end/", views.end, name="agreement_end"),
    path("requests/", views.requests, name="requests"),
    path("requests/receive/", views.receive, name="request_receive"),
    path("requests/<int:number>/", views.one_request, name="request"),
    path("requests/<int:number>/extend/", views.extend, name="request_extend"),
    path("requests/<int:number>/hold/", views.hold, name="request_hold"),
    path("requests/<int:number>/decide/", views.decide, name="request_decide"),
    path("requests/releases/<int:number>/recall/", views.recall, name="release_recall"),
    path("incidents/", views.incidents, name="incidents"),
    path("incidents/open/", views.open_incident, name="incident_open"),
    path("incidents/<int:number>/list/", views.sealed_list, name="incident_list"),
    path("incidents/<int:number>/notice/<slug:whom>/", views.notice, name="incident_notice"),
    path("incidents/<int:number>/notified/", views.notified, name="incident_notified"),
]

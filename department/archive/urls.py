"""The addresses of the pages of the archive."""

from django.urls import path

from platepost.department.archive import views

urlpatterns = [
    path("archive/", views.archive, name="archive"),
    path("archive/term/", views.change_term, name="archive_term"),
    path("archive/plan/", views.propose, name="archive_propose"),
    path("archive/plan/<uuid:plan>/", views.plan, name="archive_plan"),
    path("archive/plan/<uuid:plan>/approve/", views.approve, name="archive_approve"),
    path("holds/", views.holds, name="holds"),
    path("holds/<int:hold>/review/", views.review, name="hold_review"),
    path("holds/<int:hold>/lift/", views.lift, name="hold_lift"),
]

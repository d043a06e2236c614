"""The address of the status page."""

from django.urls import path

from platepost.department.status.views import status

urlpatterns = [path("", status, name="status")]

"""Where the status page is."""

from django.urls import path

from department.web.views import status

urlpatterns = [path("", status, name="status")]

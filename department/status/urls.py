"""The address of the status page."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from platepost.department.status.views import status
from platepost.department.web.navigation import NavigationEntry

urlpatterns = [path("", status, name="status")]

navigation = (NavigationEntry(10, "status", _("Custody")),)

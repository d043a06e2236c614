"""Where people log in, look after their own log-in, and are looked after."""

from allauth.account import views as account
from allauth.mfa.base import views as factor
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkey
from allauth.socialaccount import views as provider
from allauth.socialaccount.providers.openid_connect import views as openid
from django.conf import settings
from django.http import HttpRequest
from django.urls import path
from django.utils.translation import gettext_lazy as _

from platepost.department.people import bulk_views, help_page, sign_in, training, views
from platepost.department.people.access import needs, open_to_all, setting_up
from platepost.department.people.provider import back_channel
from platepost.department.people.rights import Permission
from platepost.department.web.navigation import NavigationEntry, NavigationGroup

_log_in = sign_in.LogInView.as_view(extra_context={"banner": lambda: settings.PEOPLE_BANNER})
_own = needs(Permission.OWN_ACCOUNT)


def _login(request: HttpRequest) -> str:
    return str(request.user.get_username())


# The names are those by which allauth finds its own views; of its others there is none.
urlpatterns = [
    path("log-in/", open_to_all(_log_in), name="account_login"),
    path("log-in/code/", open_to_all(sign_in.code_step), name="mfa_authenticate"),
    path("log-in/passkey/", open_to_all(sign_in.PasskeyLogInView.as_view()), name="mfa_login_webauthn"),
    path("log-in/suspended/", open_to_all(account.account_inactive), name="account_inactive"),
    path("log-in/cancelled/", open_to_all(provider.login_cancelled), name="socialaccount_login_cancelled"),
    path("log-in/failed/", open_to_all(provider.login_error), name="socialaccount_login_error"),
    path("log-in/by/<slug:provider_id>/", open_to_all(openid.login), name="openid_connect_login"),
    path("log-in/by/<slug:provider_id>/back/", open_to_all(openid.callback), name="openid_connect_callback"),
    path("log-in/by/<slug:provider_id>/ended/", open_to_all(back_channel), name="provider_ended"),
    path("log-out/", open_to_all(account.logout), name="account_logout"),
    path("account/", setting_up(factor.index), name="mfa_index"),
    path("account/passkeys/", setting_up(passkey.list_webauthn), name="mfa_list_webauthn"),
    path("account/passkeys/add/", setting_up(passkey.add_webauthn), name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>/remove/", _own(passkey.remove_webauthn), name="mfa_remove_webauthn"),
    path("account/authenticator/", setting_up(totp.activate_totp), name="mfa_activate_totp"),
    path("account/authenticator/remove/", _own(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("account/recovery-codes/", _own(recovery.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("account/recovery-codes/new/", _own(recovery.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("account/password/", _own(account.password_change), name="account_change_password"),
    path("account/password/set/", setting_up(account.password_set), name="account_set_password"),
    path("account/fresh/code/", _own(factor.reauthenticate), name="mfa_reauthenticate"),
    path("account/fresh/passkey/", _own(sign_in.FreshPasskeyView.as_view()), name="mfa_reauthenticate_webauthn"),
    path("form/", sign_in.form_again, name="form_again"),
    path("home/", help_page.home, name="home"),
    path("help/", help_page.help_page, name="help"),
    path("training/", training.training, name="training"),
    path("training/<slug:name>/", training.exercise, name="exercise"),
    path("training/<slug:name>/again/", training.begin_again, name="exercise_again"),
    path("training/<slug:name>/<int:number>.png", training.exercise_picture, name="exercise_picture"),
    path("people/", views.people, name="people"),
    path("people/add/", views.add, name="person_add"),
    path("people/import/", bulk_views.people_import, name="people_import"),
    path("people/lists/<uuid:batch>/", bulk_views.people_list, name="people_list"),
    path("people/lists/<uuid:batch>/decide/", bulk_views.people_list_decide, name="people_list_decide"),
    path("people/trained/", bulk_views.trainings, name="trainings"),
    path("people/consoles/", views.consoles, name="consoles"),
    path("people/person/<str:login>/", views.person, name="person"),
    path("people/person/<str:login>/role/", views.give_role, name="person_role"),
    path("people/person/<str:login>/role/end/", views.end_role, name="person_role_end"),
    path("people/person/<str:login>/certificate/", views.note_certificate, name="person_certificate"),
    path("people/person/<str:login>/training/", views.note_training, name="person_training"),
    path("people/person/<str:login>/decide/", views.decide, name="person_decide"),
    path("people/person/<str:login>/invite/", views.invite, name="person_invite"),
    path("people/person/<str:login>/disable/", views.disable, name="person_disable"),
    path("people/person/<str:login>/reinstate/", views.reinstate, name="person_reinstate"),
    path("people/person/<str:login>/release/", views.release, name="person_release"),
]

navigation = (
    NavigationEntry(
        NavigationGroup.OVERSIGHT,
        130,
        "people",
        _("People"),
        Permission.SEE_PEOPLE,
        _("Who has which role, certification, and training; who waits for approval."),
    ),
    NavigationEntry(NavigationGroup.HELP, 10, "help", _("Help"), summary=_("What each page is for, and whom to ask.")),
    NavigationEntry(
        NavigationGroup.HELP,
        20,
        "training",
        _("Training"),
        summary=_("Practice on drawn plates, for your training record."),
    ),
    NavigationEntry(NavigationGroup.ACCOUNT, 10, "mfa_index", _login),
    NavigationEntry(NavigationGroup.ACCOUNT, 20, "account_logout", _("Log out")),
)

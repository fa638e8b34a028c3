"""Pages of ours that stand for those of allauth."""

from django.urls import path

from accounts.web import identity, sessions

urlpatterns = [
    path("oidc/<str:provider_id>/login/", identity.begin, name="openid_connect_login"),
    path("sessions/", sessions.sessions, name="usersessions_list"),
    path("sessions/<int:session_id>/end/", sessions.end, name="session_end"),
    path("sessions/end-others/", sessions.end_others, name="sessions_end_others"),
]

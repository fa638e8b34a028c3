"""Harness URLs of the runners app."""

from django.urls import path

from runners.api.deaths import DeathsView
from runners.api.heartbeats import HeartbeatsView
from runners.api.packages import package

urlpatterns = [
    path("packages/<str:signature>/<str:name>", package, name="harness_package"),
    path("heartbeats", HeartbeatsView.as_view(), name="harness_heartbeats"),
    path("deaths", DeathsView.as_view(), name="harness_deaths"),
]

"""Harness URLs of the runners app."""

from django.urls import path

from runners.api.packages import package

urlpatterns = [path("packages/<str:signature>/<str:name>", package, name="harness_package")]

"""Harness URLs of the experiments app."""

from django.urls import path

from experiments.api.harness import BatchesView, LeasesView

urlpatterns = [
    path("leases", LeasesView.as_view(), name="harness_leases"),
    path("runs/<uuid:run_id>/batches", BatchesView.as_view(), name="harness_batches"),
]

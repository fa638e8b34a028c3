"""Harness URLs of the experiments app."""

from django.conf import settings
from django.urls import path

from experiments.api.harness import BatchesView, LeasesView
from mlplatform.http.admission import admitting

urlpatterns = [
    path("leases", LeasesView.as_view(), name="harness_leases"),
    path(
        "runs/<uuid:run_id>/batches",
        admitting(BatchesView.as_view(), settings.MAX_INGESTS),
        name="harness_batches",
    ),
]

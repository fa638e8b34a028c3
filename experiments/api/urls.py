"""REST URLs of the experiments app."""

from django.urls import path

from experiments.api import experiments, runs

urlpatterns = [
    path("examples/", experiments.ExamplesView.as_view(), name="api_examples"),
    path("projects/<slug:slug>/bundles/", experiments.BundlesView.as_view(), name="api_bundles"),
    path("projects/<slug:slug>/experiments/", experiments.ExperimentsView.as_view(), name="api_experiments"),
    path("projects/<slug:slug>/models/", experiments.ModelVersionsView.as_view(), name="api_model_versions"),
    path("experiments/<uuid:pk>/", experiments.ExperimentView.as_view(), name="api_experiment"),
    path(
        "experiments/<uuid:pk>/cancel/",
        experiments.ExperimentCancelView.as_view(),
        name="api_experiment_cancel",
    ),
    path("experiments/<uuid:pk>/runs/", runs.RunsView.as_view(), name="api_runs"),
    path("runs/<uuid:pk>/", runs.RunView.as_view(), name="api_run"),
    path("runs/<uuid:pk>/cancel/", runs.RunCancelView.as_view(), name="api_run_cancel"),
    path("runs/<uuid:pk>/retry/", runs.RunRetryView.as_view(), name="api_run_retry"),
    path("runs/<uuid:pk>/metrics/", runs.RunMetricsView.as_view(), name="api_run_metrics"),
    path("runs/<uuid:pk>/log/", runs.RunLogView.as_view(), name="api_run_log"),
]

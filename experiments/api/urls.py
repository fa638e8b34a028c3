"""REST URLs of the experiments app."""

from django.urls import path

from experiments.api import (
    analysis,
    bundles,
    closing,
    control,
    deletion,
    experiments,
    logs,
    quotas,
    runs,
    views,
)

urlpatterns = [
    path("quotas/", quotas.QuotasView.as_view(), name="api_quotas"),
    path("quotas/<int:pk>/", quotas.QuotaView.as_view(), name="api_quota"),
    path("usage.<slug:kind>", quotas.LedgerView.as_view(), name="api_ledger"),
    path("me/usage/", quotas.MyUsageView.as_view(), name="api_my_usage"),
    path("projects/<slug:slug>/usage/", quotas.ProjectUsageView.as_view(), name="api_project_usage"),
    path(
        "projects/<slug:slug>/usage.<slug:kind>",
        quotas.ProjectLedgerView.as_view(),
        name="api_project_ledger",
    ),
    path("examples/", experiments.ExamplesView.as_view(), name="api_examples"),
    path("projects/<slug:slug>/archive/", closing.ArchiveView.as_view(), name="api_project_archive"),
    path("projects/<slug:slug>/unarchive/", closing.UnarchiveView.as_view(), name="api_project_unarchive"),
    path("projects/<slug:slug>/delete/", closing.DeleteView.as_view(), name="api_project_delete"),
    path("projects/deleted/<int:pk>/", closing.DeletionView.as_view(), name="api_project_deletion"),
    path("projects/<slug:slug>/bundles/", bundles.BundlesView.as_view(), name="api_bundles"),
    path("projects/<slug:slug>/experiments/", experiments.ExperimentsView.as_view(), name="api_experiments"),
    path("projects/<slug:slug>/models/", experiments.ModelVersionsView.as_view(), name="api_model_versions"),
    path("projects/<slug:slug>/views/", views.ViewsView.as_view(), name="api_views"),
    path("projects/<slug:slug>/deletions/", deletion.DeletionsView.as_view(), name="api_deletions"),
    path("views/<uuid:pk>/", views.ViewView.as_view(), name="api_view"),
    path("projects/<slug:slug>/runs/", runs.ProjectRunsView.as_view(), name="api_project_runs"),
    path("experiments/<uuid:pk>/", experiments.ExperimentView.as_view(), name="api_experiment"),
    path(
        "projects/<slug:slug>/experiments/preview/",
        experiments.ExperimentPreviewView.as_view(),
        {"experiment": "preview"},
        name="api_experiment_preview",
    ),
    path(
        "projects/<slug:slug>/experiments/<slug:experiment>/",
        experiments.ExperimentAtView.as_view(),
        name="api_experiment_at",
    ),
    *(
        path(
            f"experiments/<uuid:pk>/{verb}/",
            control.ExperimentVerbView.as_view(verb=verb),
            name=f"api_experiment_{verb}",
        )
        for verb in control.EXPERIMENT_VERBS
    ),
    path(
        "experiments/<uuid:pk>/definition.yaml",
        experiments.DefinitionView.as_view(),
        name="api_experiment_definition",
    ),
    path("experiments/<uuid:pk>/clone/", control.ExperimentCloneView.as_view(), name="api_experiment_clone"),
    path("experiments/<uuid:pk>/sets/", runs.SetsView.as_view(), name="api_sets"),
    path("experiments/<uuid:pk>/columns/", analysis.ColumnsView.as_view(), name="api_columns"),
    path("experiments/<uuid:pk>/importance/", analysis.ImportanceView.as_view(), name="api_importance"),
    path("experiments/<uuid:pk>/timeline/", analysis.TimelineView.as_view(), name="api_timeline"),
    path("experiments/<uuid:pk>/runs/", runs.RunsView.as_view(), name="api_runs"),
    path(
        "experiments/<uuid:pk>/points.<slug:kind>",
        runs.ExperimentPointsView.as_view(),
        name="api_experiment_points",
    ),
    path("experiments/<uuid:pk>/series/", runs.SeriesView.as_view(), name="api_series"),
    path("experiments/<uuid:pk>/runs/tag/", control.RunsTagView.as_view(), name="api_runs_tag"),
    path("experiments/<uuid:pk>/runs/<int:number>/", runs.RunAtView.as_view(), name="api_run_at"),
    *(
        path(
            f"experiments/<uuid:pk>/runs/{verb}/",
            control.RunsVerbView.as_view(verb=verb),
            name=f"api_runs_{verb}",
        )
        for verb in control.RUNS_VERBS
    ),
    path("runs/<uuid:pk>/", runs.RunView.as_view(), name="api_run"),
    *(
        path(f"runs/<uuid:pk>/{verb}/", control.RunVerbView.as_view(verb=verb), name=f"api_run_{verb}")
        for verb in control.RUN_VERBS
    ),
    path("runs/<uuid:pk>/fork/", control.RunForkView.as_view(), name="api_run_fork"),
    path("runs/<uuid:pk>/continue/", control.RunContinueView.as_view(), name="api_run_continue"),
    path("runs/<uuid:pk>/attempts/", runs.RunAttemptsView.as_view(), name="api_run_attempts"),
    path("runs/<uuid:pk>/checkpoints/", control.RunCheckpointsView.as_view(), name="api_run_checkpoints"),
    path("runs/<uuid:pk>/metrics/", runs.RunMetricsView.as_view(), name="api_run_metrics"),
    path("runs/<uuid:pk>/points.<slug:kind>", runs.RunPointsView.as_view(), name="api_run_points"),
    path("runs/<uuid:pk>/logs/", logs.RunLogsView.as_view(), name="api_run_logs"),
    path("runs/<uuid:pk>/logs.txt", logs.RunLogTextView.as_view(), name="api_run_log_text"),
]

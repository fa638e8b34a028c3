"""Pages of projects, experiments, runs and models."""

from django.urls import path

from experiments.web import (
    analysis,
    configure,
    control,
    experiments,
    forking,
    launch,
    logs,
    outcome,
    projects,
    registry,
    runs,
    series,
    tags,
    views,
)

EXPERIMENT = "p/<slug:project>/e/<slug:slug>/"
RUN = EXPERIMENT + "r/<int:number>/"

urlpatterns = [
    path("", projects.home, name="home"),
    path("p/<slug:slug>/", projects.project, name="project"),
    path("p/<slug:project>/new/", launch.code, name="experiment_new"),
    path("p/<slug:project>/new/<uuid:bundle>/", configure.configure, name="experiment_configure"),
    path("p/<slug:project>/models/<str:name>/<int:version>/", registry.model_version, name="model_version"),
    path("p/<slug:project>/views/", views.create, name="view_create"),
    path("p/<slug:project>/views/<uuid:pk>/delete/", views.delete, name="view_delete"),
    path(EXPERIMENT, experiments.experiment, name="experiment"),
    path(EXPERIMENT + "experiment.yaml", experiments.definition_yaml, name="experiment_yaml"),
    path(EXPERIMENT + "outcome/", outcome.outcome, name="experiment_outcome"),
    path(EXPERIMENT + "add/", launch.add, name="runs_add"),
    path(EXPERIMENT + "edit/", control.edit, name="experiment_edit"),
    path(EXPERIMENT + "pause/", control.pause, name="experiment_pause"),
    path(EXPERIMENT + "resume/", control.resume, name="experiment_resume"),
    path(EXPERIMENT + "cancel/", control.cancel, name="experiment_cancel"),
    path(EXPERIMENT + "retry/", control.retry, name="experiment_retry"),
    path(EXPERIMENT + "runs/", control.bulk, name="runs_bulk"),
    path(EXPERIMENT + "series/", series.series_json, name="series"),
    path(EXPERIMENT + "points.<slug:kind>", series.points, name="experiment_points"),
    path(EXPERIMENT + "analysis/", analysis.analysis, name="analysis"),
    path(EXPERIMENT + "analysis/columns/", analysis.columns_json, name="analysis_columns"),
    path(EXPERIMENT + "analysis/importance/", analysis.importance_json, name="analysis_importance"),
    path(EXPERIMENT + "analysis/timeline/", analysis.timeline_json, name="analysis_timeline"),
    path(RUN, runs.run, name="run"),
    path(RUN + "cancel/", runs.cancel, name="run_cancel"),
    path(RUN + "retry/", runs.retry, name="run_retry"),
    path(RUN + "tag/", tags.tag, name="run_tag"),
    path(RUN + "packages/<int:attempt>/", runs.packages, name="run_packages"),
    path(RUN + "fork/", forking.fork, name="run_fork"),
    path(RUN + "continue/", forking.train_further, name="run_continue"),
    path(RUN + "points.<slug:kind>", runs.points, name="run_points"),
    path(RUN + "log/", logs.log, name="run_log"),
]

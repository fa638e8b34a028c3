"""Pages of projects, experiments, runs and models."""

from django.urls import path

from experiments.web import (
    analysis,
    checkpoints,
    code,
    compare,
    control,
    events,
    experiments,
    forking,
    launch,
    logs,
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
    path("p/<slug:project>/compare/", compare.compare, name="compare"),
    path("p/<slug:project>/compare/series/", compare.compare_series, name="compare_series"),
    path("p/<slug:project>/new/", launch.code, name="experiment_new"),
    path("p/<slug:project>/new/<uuid:bundle>/", launch.configure, name="experiment_configure"),
    path("p/<slug:project>/models/<str:name>/<int:version>/", registry.model_version, name="model_version"),
    path("p/<slug:project>/views/", views.create, name="view_create"),
    path("p/<slug:project>/views/<uuid:pk>/delete/", views.delete, name="view_delete"),
    path(EXPERIMENT, experiments.experiment, name="experiment"),
    path(EXPERIMENT + "add/", launch.add, name="runs_add"),
    path(EXPERIMENT + "edit/", control.edit, name="experiment_edit"),
    path(EXPERIMENT + "pause/", control.pause, name="experiment_pause"),
    path(EXPERIMENT + "resume/", control.resume, name="experiment_resume"),
    path(EXPERIMENT + "cancel/", control.cancel, name="experiment_cancel"),
    path(EXPERIMENT + "retry/", control.retry, name="experiment_retry"),
    path(EXPERIMENT + "runs/", control.bulk, name="runs_bulk"),
    path(EXPERIMENT + "series/", series.series_json, name="series"),
    path(EXPERIMENT + "analysis/", analysis.analysis, name="analysis"),
    path(EXPERIMENT + "code/", code.code, name="code"),
    path(EXPERIMENT + "code/file/", code.code_file, name="code_file"),
    path(EXPERIMENT + "code/bundle.zip", code.code_bundle, name="code_bundle"),
    path(EXPERIMENT + "events/", events.events, name="events"),
    path(RUN, runs.run, name="run"),
    path(RUN + "cancel/", runs.cancel, name="run_cancel"),
    path(RUN + "retry/", runs.retry, name="run_retry"),
    path(RUN + "tag/", tags.tag, name="run_tag"),
    path(RUN + "packages/<int:attempt>/", runs.packages, name="run_packages"),
    path(RUN + "checkpoints/<int:pk>.zip", checkpoints.checkpoint, name="checkpoint"),
    path(RUN + "fork/", forking.fork, name="run_fork"),
    path(RUN + "continue/", forking.train_further, name="run_continue"),
    path(RUN + "log/", logs.log, name="run_log"),
]

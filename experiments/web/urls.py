"""Pages of projects, experiments, runs and models."""

from django.urls import path

from experiments.web import experiments, launch, projects, registry, runs

EXPERIMENT = "p/<slug:project>/e/<slug:slug>/"
RUN = EXPERIMENT + "r/<int:number>/"

urlpatterns = [
    path("", projects.home, name="home"),
    path("p/<slug:slug>/", projects.project, name="project"),
    path("p/<slug:project>/new/", launch.code, name="experiment_new"),
    path("p/<slug:project>/new/<uuid:bundle>/", launch.configure, name="experiment_configure"),
    path("p/<slug:project>/models/<str:name>/<int:version>/", registry.model_version, name="model_version"),
    path(EXPERIMENT, experiments.experiment, name="experiment"),
    path(EXPERIMENT + "add/", launch.add, name="runs_add"),
    path(EXPERIMENT + "cancel/", experiments.cancel, name="experiment_cancel"),
    path(EXPERIMENT + "series/", experiments.series_json, name="series"),
    path(RUN, runs.run, name="run"),
    path(RUN + "cancel/", runs.cancel, name="run_cancel"),
    path(RUN + "retry/", runs.retry, name="run_retry"),
    path(RUN + "log/", runs.log, name="run_log"),
]

"""Looks into MLflow with MLflow's own client, so that the adapter is not checked by itself."""

from collections.abc import Mapping, Sequence

from mlflow import MlflowClient

from tests.contracts.tracking_store_contract import SeenRun


class MlflowReader:
    """Implements the contract's Reader."""

    def __init__(self, url: str) -> None:
        self.client = MlflowClient(url)

    def runs(self, run_id: str) -> Sequence[SeenRun]:
        experiments = {
            experiment.experiment_id: experiment for experiment in self.client.search_experiments()
        }
        found = self.client.search_runs(list(experiments), f"tags.`mlplatform.run_id` = '{run_id}'")
        return [
            SeenRun(
                run.info.run_id,
                experiments[run.info.experiment_id].name,
                run.info.run_name,
                run.info.status,
                (run.info.end_time - run.info.start_time) / 1000,
                run.data.params,
                run.data.tags,
            )
            for run in found
        ]

    def points(self, tracking_run_id: str, key: str) -> Sequence[tuple[int, float, float]]:
        history = self.client.get_metric_history(tracking_run_id, key)
        return [(point.step, point.value, point.timestamp / 1000) for point in history]

    def models(self, tracking_run_id: str) -> Sequence[str]:
        outputs = self.client.get_run(tracking_run_id).outputs
        return [f"models:/{output.model_id}" for output in outputs.model_outputs] if outputs else []

    def versions(self, name: str) -> Mapping[int, str]:
        found = self.client.search_model_versions(f"name = '{name}'")
        return dict(sorted((int(version.version), str(version.source)) for version in found))

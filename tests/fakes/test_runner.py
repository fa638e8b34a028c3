import pytest

from runners.port import JobPoll, JobSpec, JobStatus, Runner
from tests.contracts.runner_contract import RunnerContract
from tests.fakes.runner import FakeRunner


class TestFakeRunner(RunnerContract):
    """The fake keeps the contract, if a test plays the backend."""

    @pytest.fixture
    def runner(self) -> FakeRunner:
        return FakeRunner()

    @pytest.fixture
    def working_dir(self) -> str:
        return "http://127.0.0.1/package.zip"

    def settle(self, runner: Runner, spec: JobSpec) -> JobPoll:
        assert isinstance(runner, FakeRunner)
        if runner.poll(spec.submission_id).status is JobStatus.RUNNING:
            failed = spec.entrypoint.startswith("exit")
            runner.output[spec.submission_id] = f"a note in the package\n{spec.environment['MLP_GREETING']}\n"
            runner.end(spec.submission_id, JobStatus.FAILED if failed else JobStatus.SUCCEEDED, "exit code 3")
        return runner.poll(spec.submission_id)

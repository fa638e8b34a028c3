"""What every Runner must do. An adapter's test class inherits it and provides the three fixtures."""

import time
import uuid

import pytest

from runners.port import JobPoll, JobSpec, JobStatus, Runner

LIMIT_S = 90.0


class RunnerContract:
    """Fixtures to provide: `runner`, and `working_dir` (URL of a zip). `settle` may be overridden."""

    def spec(self, working_dir: str, entrypoint: str) -> JobSpec:
        return JobSpec(
            submission_id=f"mlp-{uuid.uuid4()}",
            entrypoint=entrypoint,
            working_dir=working_dir,
            environment={"MLP_GREETING": "hello from the job"},
        )

    def settle(self, runner: Runner, spec: JobSpec) -> JobPoll:
        """Wait until the job is over."""
        limit = time.monotonic() + LIMIT_S
        while (poll := runner.poll(spec.submission_id)).status in (JobStatus.PENDING, JobStatus.RUNNING):
            if time.monotonic() > limit:
                pytest.fail(f"job {spec.submission_id} is still {poll.status} after {LIMIT_S:.0f} s")
            time.sleep(0.2)
        return poll

    def test_an_unknown_job_is_missing_and_nothing_about_it_is_an_error(self, runner: Runner) -> None:
        name = f"mlp-{uuid.uuid4()}"
        assert runner.poll(name).status is JobStatus.MISSING
        assert runner.logs(name) == ""
        runner.cancel(name)

    def test_a_job_runs_in_its_package_with_its_environment(self, runner: Runner, working_dir: str) -> None:
        spec = self.spec(working_dir, 'cat note.txt && echo "$MLP_GREETING"')
        runner.submit(spec)
        assert self.settle(runner, spec).status is JobStatus.SUCCEEDED
        assert "a note in the package" in runner.logs(spec.submission_id)
        assert "hello from the job" in runner.logs(spec.submission_id)

    def test_a_failing_job_is_failed_with_words(self, runner: Runner, working_dir: str) -> None:
        spec = self.spec(working_dir, "exit 3")
        runner.submit(spec)
        poll = self.settle(runner, spec)
        assert poll.status is JobStatus.FAILED
        assert poll.message

    def test_submitting_twice_is_one_job_and_canceling_stops_it(
        self, runner: Runner, working_dir: str
    ) -> None:
        spec = self.spec(working_dir, "sleep 300")
        runner.submit(spec)
        runner.submit(spec)
        assert runner.poll(spec.submission_id).status in (JobStatus.PENDING, JobStatus.RUNNING)
        runner.cancel(spec.submission_id)
        assert self.settle(runner, spec).status is JobStatus.STOPPED
        runner.cancel(spec.submission_id)

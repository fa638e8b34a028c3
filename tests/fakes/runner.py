"""A Runner in memory. It passes the same contract as the real one (tests/contracts/runner_contract.py)."""

from runners.port import JobPoll, JobSpec, JobStatus, JobUnclear, RunnerRefused, RunnerUnavailable


class FakeRunner:
    """Jobs run until a test says otherwise."""

    def __init__(self) -> None:
        self.jobs: dict[str, JobSpec] = {}
        self.polls: dict[str, JobPoll] = {}
        self.output: dict[str, str] = {}
        self.down = False
        self.refusal = ""
        self.logs_are_gone = False
        self.unclear: set[str] = set()

    def submit(self, spec: JobSpec) -> None:
        self._answer(spec.submission_id)
        if self.refusal:
            raise RunnerRefused(self.refusal)
        if spec.submission_id not in self.jobs:
            self.jobs[spec.submission_id] = spec
            self.polls[spec.submission_id] = JobPoll(JobStatus.RUNNING)

    def poll(self, submission_id: str) -> JobPoll:
        self._answer(submission_id)
        return self.polls.get(submission_id, JobPoll(JobStatus.MISSING))

    def cancel(self, submission_id: str) -> None:
        self._answer()
        if submission_id in self.polls:
            self.polls[submission_id] = JobPoll(JobStatus.STOPPED)

    def logs(self, submission_id: str) -> str:
        self._answer()
        if self.logs_are_gone:
            raise RunnerUnavailable("the fake's disk is gone")
        return self.output.get(submission_id, "")

    def end(self, submission_id: str, status: JobStatus, message: str = "") -> None:
        self.polls[submission_id] = JobPoll(status, message)

    def _answer(self, submission_id: str = "") -> None:
        if self.down:
            raise RunnerUnavailable("the fake backend is down")
        if submission_id in self.unclear:
            raise JobUnclear("the fake answered 500")

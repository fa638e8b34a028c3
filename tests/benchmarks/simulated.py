"""A backend without Ray: it leaves its jobs in a folder, for the benchmark to play their workers."""

import json
from pathlib import Path

from runners.port import JobPoll, JobSpec, JobStatus


class SimulatedRunner:
    """Implements runners.port.Runner. A job runs until a file beside it says that it has ended."""

    def __init__(self, *, address: str, token: str) -> None:
        self._folder = Path(address)

    def submit(self, spec: JobSpec) -> None:
        """Whole files only: the benchmark watches the folder."""
        draft = self._folder / f"{spec.submission_id}.draft"
        draft.write_text(json.dumps(dict(spec.environment)))
        draft.rename(self._folder / f"{spec.submission_id}.job")

    def poll(self, submission_id: str) -> JobPoll:
        """Running, until its worker has left."""
        if (self._folder / f"{submission_id}.ended").exists():
            return JobPoll(JobStatus.SUCCEEDED)
        known = (self._folder / f"{submission_id}.job").exists()
        return JobPoll(JobStatus.RUNNING if known else JobStatus.MISSING)

    def cancel(self, submission_id: str) -> None:
        """Its worker is told by the portal."""

    def logs(self, submission_id: str) -> str:
        """There are none."""
        return ""

"""Runs the harness the way the portal does: a driver process with a packed working_dir, on a small Ray of its own."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.runners.harness.fake_portal import TOKEN, FakePortal

ROOT = Path(__file__).parents[3]

# Ray picks free ports by itself this way (never 6379). It listens on every interface, hence the token.
_HOST = """
import sys, ray
context = ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, _temp_dir=sys.argv[1])
print(context.address_info["gcs_address"], flush=True)
sys.stdin.read()
"""


class RayCluster:
    """A local Ray that lives as long as the `with` block around it."""

    def __init__(self, address: str, environment: dict[str, str]) -> None:
        self.address = address
        self.environment = environment


@contextmanager
def local_ray(**more: str) -> Iterator[RayCluster]:
    """Start Ray in a child process that ends when its stdin is closed, so that nothing is left behind.

    `more` is for its environment.
    """
    environment = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
    environment |= {"RAY_USAGE_STATS_ENABLED": "0", **more}
    # Ray's unix sockets need a short path; pytest's are too long.
    with tempfile.TemporaryDirectory(prefix="mlp-ray-", ignore_cleanup_errors=True) as folder:
        host = subprocess.Popen(
            [sys.executable, "-c", _HOST, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        assert host.stdin is not None
        assert host.stdout is not None
        try:
            yield RayCluster(host.stdout.readline().strip(), environment)
        finally:
            host.stdin.close()
            host.wait(timeout=60)


class Job:
    """The driver of one allocation."""

    def __init__(
        self, cluster: RayCluster, portal: FakePortal, folder: Path, code: Path, **allocation: Any
    ) -> None:
        self.storage = folder / "runs"
        working_dir = folder / "job"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "runners" / "harness", working_dir / "mlp_harness", ignore=ignored)
        shutil.copytree(code, working_dir / "code", ignore=ignored)
        fields = {
            "id": "allocation-1",
            "url": portal.url,
            "workers": 2,
            "cpus_per_worker": 1,
            "gpus_per_worker": 0,
            "storage_path": str(self.storage),
            "fresh_process": False,
            **allocation,
        }
        environment = {
            **cluster.environment,
            "RAY_ADDRESS": cluster.address,
            "MLP_ALLOCATION": json.dumps(fields),
            "MLP_ALLOCATION_TOKEN": TOKEN,
            # What Ray's job supervisor sets for an entrypoint with a working_dir.
            "RAY_JOB_CONFIG_JSON_ENV_VAR": json.dumps({"runtime_env": {"working_dir": str(working_dir)}}),
        }
        self._log = (folder / "driver.log").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mlp_harness.driver"],
            cwd=working_dir,
            env=environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def wait(self, timeout_s: float) -> int:
        """Return the driver's exit code; kill it when it takes too long."""
        killer = threading.Timer(timeout_s, self._process.kill)
        killer.start()
        try:
            return self._process.wait()
        finally:
            killer.cancel()
            self._log.close()

    def output(self) -> str:
        return Path(self._log.name).read_text()

import pytest

from experiments.causes import start_is_hopeless

SETUP = "runtime_env setup failed: Failed to set up runtime environment.\n"
NONE_FOUND = "ERROR: No matching distribution found for toolz==99.99"
RETRYING = "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by "


@pytest.mark.parametrize(
    "words",
    [
        NONE_FOUND,
        "ERROR: ResolutionImpossible: for help visit https://pip.pypa.io",
        "  error: subprocess-exited-with-error\n  × Getting requirements to build wheel did not run successfully.",
        "RuntimeError: Changing the ray version is not allowed:\n  current version: 2.1",
    ],
)
def test_what_the_installer_refuses_it_refuses_again(words: str) -> None:
    assert start_is_hopeless(SETUP + words)


@pytest.mark.parametrize(
    "words",
    [
        f"{RETRYING}'NewConnectionError(\"Failed to establish: [Errno 111] Connection refused\")'\n{NONE_FOUND}",
        f"{RETRYING}'NewConnectionError(\"[Errno -3] Temporary failure in name resolution\")'\n{NONE_FOUND}",
        f"WARNING: Could not fetch URL https://pypi.org/simple/toolz/ - skipping\n{NONE_FOUND}",
        "ERROR: Exception:\npip._vendor.urllib3.exceptions.ReadTimeoutError: Read timed out.",
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        "ERROR: HTTP error 503 while getting https://pypi.org/x.whl",
        "OSError: Failed to download http://127.0.0.1:8000/x.zip",
        "the node died",
    ],
)
def test_what_was_only_out_of_reach_may_be_there_another_time(words: str) -> None:
    assert not start_is_hopeless(SETUP + words)


def test_the_words_of_other_failures_are_not_an_installers() -> None:
    assert not start_is_hopeless("Job entrypoint failed with\nERROR: exit code 3")

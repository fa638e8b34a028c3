"""What is needed to repeat an attempt is known, and no secret with it."""

import json

import torch

from runners.harness.environment import describe_environment, installed_packages, relevant_variables


def test_the_description_is_small_json_and_tells_the_hardware():
    described = describe_environment()
    assert len(json.dumps(described)) < 3_000
    assert described["torch"] == torch.__version__
    assert described["cpu"]
    assert 0 < described["cpus_allowed"] <= described["cpus"]
    assert described["memory_gib"] > 0.1
    assert described["threads"] == torch.get_num_threads()


def test_packages_are_named_with_their_versions_in_order():
    packages = installed_packages()
    assert packages == sorted(packages, key=str.lower)
    assert any(line.startswith("ray==") for line in packages)
    assert len(packages) == len(set(packages))


def test_only_variables_that_matter_and_no_secret():
    environment = {
        "OMP_NUM_THREADS": "2",
        "CUDA_VISIBLE_DEVICES": "0,1",
        "NCCL_DEBUG": "x" * 1000,
        "PYTHONHASHSEED": "0",
        "PYTORCH_SECRET_TOKEN": "s3cret",
        "TORCH_API_KEY": "s3cret",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
        "MLP_ALLOCATION_TOKEN": "s3cret",
        "HOME": "/root",
    }
    assert relevant_variables(environment) == {
        "CUDA_VISIBLE_DEVICES": "0,1",
        "NCCL_DEBUG": "x" * 200,
        "OMP_NUM_THREADS": "2",
        "PYTHONHASHSEED": "0",
    }

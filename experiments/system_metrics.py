"""Metrics of machines instead of models: workers send them by themselves, in MLflow's names."""

PREFIX = "system/"

"""Answers of the REST API. What is in one is the annotation of the method: mypy checks it, the schema tells it."""

from collections.abc import Mapping
from typing import Generic, TypeVar

from rest_framework.response import Response

# Where the API is.
PREFIX = "/api/"

Content = TypeVar("Content")


class Answer(Generic[Content], Response):  # in this order, for Response forgets what is in brackets
    """200 with JSON."""

    def __init__(self, content: Content, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(content, headers=headers)


class Created(Answer[Content]):
    """201 with what was made."""

    status_code = 201


class Accepted(Answer[Content]):
    """202: it is begun, and goes on after the answer."""

    status_code = 202


class Done(Response):
    """204: there is nothing to say."""

    status_code = 204

"""Reading request bodies of the REST API."""

import io
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from mlplatform.kernel.errors import TooLarge

MAX_JSON_BYTES = 4 * 2**20


class BoundedJSONParser(JSONParser):
    """JSON of a bounded size and depth."""

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        """See REST framework. Raises TooLarge and ParseError."""
        body = stream.read(MAX_JSON_BYTES + 1)
        if len(body) > MAX_JSON_BYTES:
            raise TooLarge(
                f"The JSON is larger than {MAX_JSON_BYTES // 2**20} MiB; send it in smaller parts."
            )
        try:
            return super().parse(io.BytesIO(body), media_type, parser_context)
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None

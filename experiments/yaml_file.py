"""experiment.yaml as text: reading with the lines of its keys, writing as people would."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

MAX_CHARACTERS = 64 * 2**10
WIDTH = 92


class _Writer(yaml.SafeDumper):
    """Writes every value out: an alias would be refused when it is read."""

    def ignore_aliases(self, data: object) -> bool:
        """See SafeDumper."""
        return True


def read(text: str) -> Any:
    """What the text says. Raises ValueError with the rest of a sentence about the file."""
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"it has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read")
    try:
        # An alias can stand for a value of any size, however short the file is.
        has_alias = any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader))
        content = None if has_alias else yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"it is not valid YAML: {str(error)[:500] or type(error).__name__}") from error
    if has_alias:
        raise ValueError("it uses an alias (*name); write the value out")
    return content


def write(content: Mapping[str, Any]) -> str:
    """In the order of the content; what holds only values takes one line."""
    return yaml.dump(
        dict(content),
        Dumper=_Writer,
        sort_keys=False,
        default_flow_style=None,
        allow_unicode=True,
        width=WIDTH,
    )


def line_of(text: str, path: str) -> int | None:
    """The line of a dotted path such as `search.space.lr.min`, or of the longest beginning of it that is there."""
    lines = dict(_lines(yaml.compose(text, yaml.SafeLoader), ""))
    while path and path not in lines:
        path = path.rpartition(".")[0]
    return lines.get(path)


def _lines(node: yaml.Node | None, prefix: str) -> Iterator[tuple[str, int]]:
    match node:
        case yaml.MappingNode():
            parts = [(str(key.value), key.start_mark, value) for key, value in node.value]
        case yaml.SequenceNode():
            parts = [(str(at), value.start_mark, value) for at, value in enumerate(node.value)]
        case _:
            return
    for name, mark, value in parts:
        yield f"{prefix}{name}", mark.line + 1
        yield from _lines(value, f"{prefix}{name}.")

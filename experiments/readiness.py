"""What the author of uploaded code may have forgotten. Pure; the code is not run."""

import ast
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Names under which packages are imported that are called otherwise at the index.
CALLED = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
OPTIONAL = ("ImportError", "ModuleNotFoundError", "Exception")


def report_missing(trees: Mapping[str, ast.Module]) -> str:
    """A sentence for code that tells nobody anything, else nothing."""
    calls = (node.func for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.Call))
    # Whatever it is called on: Lightning and others report for their callers.
    if any("report" in (getattr(call, "attr", "") or getattr(call, "id", "")).lower() for call in calls):
        return ""
    return (
        "Nothing in it calls ray.train.report, so no metric, progress or checkpoint would be seen, and a run could "
        'only be stopped by force. Report once per epoch, for example ray.train.report({"loss": loss}).'
    )


def metric_unknown(trees: Mapping[str, ast.Module], metric: str) -> str:
    """A sentence for an objective whose name is nowhere in the code, else nothing."""
    texts = {
        node.value
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    if not metric or any(part in texts for part in (metric, metric.rpartition("/")[2])):
        return ""
    return (
        f"The metric that decides is {metric}, a name that stands nowhere in the code. If no run reports it, none can "
        "be the best."
    )


def imports_missing(
    trees: Mapping[str, ast.Module], required: Sequence[str], there: Collection[str]
) -> list[str]:
    """A sentence for each module that is imported and, as far as anybody knows, not there.

    `there` are the names of packages that the cluster has.
    """
    own = {part.removesuffix(".py") for file in trees for part in PurePosixPath(file).parts}
    known = {canonicalize_name(name) for name in there}
    known |= {canonicalize_name(Requirement(line).name) for line in required}
    found: dict[str, str] = {}
    for file, tree in trees.items():
        for line, module in _imports(tree.body):
            package = canonicalize_name(CALLED.get(module, module))
            if module not in own and module not in sys.stdlib_module_names and package not in known:
                found.setdefault(
                    package,
                    f"{file}, line {line} imports {module}, which neither the cluster has, as far as the portal knows, "
                    f"nor requirements.txt asks for. If it is missing, add a requirements.txt with {package}.",
                )
    return list(found.values())


def _imports(body: Sequence[ast.stmt]) -> Iterator[tuple[int, str]]:
    """What has to be there: neither what the code can do without, nor what only a type checker reads."""
    for node in body:
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name.partition(".")[0]) for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield node.lineno, module.partition(".")[0]
            case ast.Try(handlers=handlers) if any(map(_is_forgiving, handlers)):
                continue
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                continue
            case _:
                yield from _imports(
                    [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.stmt)]
                )


def _is_forgiving(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or getattr(kind, "id", "") in OPTIONAL for kind in caught)

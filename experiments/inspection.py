"""Look at uploaded code without running it: does it parse, where is its train function, what does that read?"""

import ast
from collections.abc import Iterator, Mapping
from itertools import islice

from experiments.manifest import Manifest
from experiments.search.parameters import Parameter
from experiments.search.scalars import Value, scalar
from mlplatform.kernel.errors import InvalidInput

# As many lines of what is wrong as somebody reads at a time.
MOST_SAID = 5
# Names by which people call the one function that Ray Train is given.
USUAL_NAMES = ("train", "train_func", "train_fn", "train_loop_per_worker", "train_loop", "main")
NO_FUNCTION = (
    "No train function found. Define one at the top level that takes the parameters, such as def train(config): …, "
    "or name it in experiment.yaml as entrypoint: module:function."
)


def check_syntax(sources: Mapping[str, str]) -> None:
    """Raise InvalidInput(field="code") for files that Python cannot parse: a line for each, with line and text."""
    wrong = []
    for name, source in sources.items():
        try:
            parsed(name, source)
        except InvalidInput as error:
            wrong.append(error.message)
    if wrong:
        raise InvalidInput("\n".join(wrong[:MOST_SAID]), field="code")


def check_entrypoint(sources: Mapping[str, str], entrypoint: str) -> None:
    """Raise InvalidInput(field="entrypoint") unless `module:function` names something at the top level."""
    module, _, function = entrypoint.partition(":")
    if not module or not function:
        raise InvalidInput(
            f"The entrypoint {entrypoint!r} must look like module:function, such as train:train.",
            field="entrypoint",
        )
    path = module.replace(".", "/")
    source = sources.get(f"{path}.py", sources.get(f"{path}/__init__.py"))
    if source is None:
        there = ", ".join(sorted(sources)) or "none"
        raise InvalidInput(
            f"The entrypoint names the module {module}, which is not among the files: {there}.",
            field="entrypoint",
        )
    tree = parsed(f"{path}.py", source)
    if function not in _top_level_names(tree):
        found = ", ".join(node.name for node in tree.body if isinstance(node, ast.FunctionDef)) or "none"
        raise InvalidInput(f"{path}.py has no function {function}; it defines: {found}.", field="entrypoint")


def guess_manifest(name: str, sources: Mapping[str, str]) -> Manifest:
    """Manifest of code that brings no experiment.yaml: the first usual train function, and what it reads of config.

    Raises InvalidInput(field="code") if no function can be called with one argument, or with none if its name is usual.
    """
    for file, function in _candidates(sources):
        entrypoint = f"{file.removesuffix('.py').replace('/', '.')}:{function.name}"
        parameters = dict(_config_reads(function))
        progress = next((key for key in ("epochs", "num_epochs", "max_epochs") if key in parameters), "")
        return Manifest(name=name, entrypoint=entrypoint, parameters=parameters, progress=progress)
    raise InvalidInput("\n".join((NO_FUNCTION, *islice(_passed_over(sources), MOST_SAID))), field="code")


def parsed(name: str, source: str) -> ast.Module:
    """The file as Python reads it. Raises InvalidInput(field="code") with line and text of what it cannot read."""
    try:
        return ast.parse(source, filename=name)
    except (RecursionError, MemoryError):
        raise InvalidInput(f"{name} is nested too deeply for Python to read.", field="code") from None
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        text = (getattr(error, "text", None) or "").strip()
        where = f"{name}, line {line}: " if line else f"{name}: "
        message = getattr(error, "msg", str(error))
        raise InvalidInput(f"{where}{message}{f' — {text[:120]}' if text else ''}", field="code") from error


def _top_level_names(tree: ast.Module) -> set[str]:
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom | ast.Import):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def _candidates(sources: Mapping[str, str]) -> Iterator[tuple[str, ast.FunctionDef]]:
    found = [
        (file, node)
        for file, source in sources.items()
        for node in parsed(file, source).body
        if isinstance(node, ast.FunctionDef) and _is_callable(node) and not node.name.startswith("_")
    ]
    named = [pair for pair in found if pair[1].name in USUAL_NAMES]
    configs = [pair for pair in found if _config_name(pair[1]) in ("config", "cfg", "params")]
    yield from sorted(named, key=lambda pair: (USUAL_NAMES.index(pair[1].name), pair[0].count("/")))
    yield from configs


def _passed_over(sources: Mapping[str, str]) -> Iterator[str]:
    """Why each file has none."""
    for file, source in sources.items():
        body = parsed(file, source).body
        functions = [node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        if not functions:
            yield f"{file} defines no function at its top level; put what it does into one."
        for node in functions:
            where = f"{file}, line {node.lineno}: {node.name}({', '.join(arg.arg for arg in node.args.args)})"
            if isinstance(node, ast.AsyncFunctionDef):
                yield f"{where} is async, which Ray Train does not call."
            elif not _is_callable(node):
                yield f"{where} needs more than one argument; Ray Train gives one, the parameters."
            else:
                yield f"{where} is neither called train nor takes an argument called config."


def _is_callable(function: ast.FunctionDef) -> bool:
    """Whether it works when it is given the parameters only, or nothing if it takes nothing: as Ray Train does it."""
    given = function.args
    positional = len(given.posonlyargs) + len(given.args)
    return positional - len(given.defaults) <= 1 and None not in given.kw_defaults


def _config_name(function: ast.FunctionDef) -> str:
    """Name of the argument that gets the parameters, empty if there is none."""
    given = [*function.args.posonlyargs, *function.args.args]
    return given[0].arg if given else ""


def _config_reads(function: ast.FunctionDef) -> Iterator[tuple[str, Parameter]]:
    argument = _config_name(function)
    needed = set()
    for node in ast.walk(function):
        match node:
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key))) if (
                name == argument
            ):
                needed.add(key)
                yield (
                    key,
                    Parameter(name=key, type="auto", help="Read by the code, which has no default for it."),
                )
    for node in ast.walk(function):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="get"),
                args=[ast.Constant(value=str(key)), *defaults],
            ) if name == argument and (defaults or key not in needed):
                # Without a default the code gets None.
                yield key, _with_default(key, defaults[0] if defaults else ast.Constant(None))


def _with_default(name: str, node: ast.expr) -> Parameter:
    """A default that is written out and that a form can hold; any other is left to the code."""
    default: Value | None
    try:
        default = scalar(ast.literal_eval(node))
    except (ValueError, TypeError, RecursionError, MemoryError):
        default = None
    kinds: dict[type, str] = {bool: "bool", int: "int", float: "float", str: "str"}
    kind = kinds.get(type(default), "auto")
    return Parameter(
        name=name,
        type=kind,
        default=default,
        optional=default is None,
        help="Read by the code; the default is the code's own.",
    )

"""The page of an experiment's code, its files, and the code as it is stored."""

from collections import defaultdict
from dataclasses import dataclass

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from accounts.web.access import SignedInRequest, signed_in
from experiments.models import Bundle, Experiment
from experiments.search.parameters import Parameter, written
from experiments.selectors.bundles import bundle_warnings
from experiments.selectors.code import BundleBroken, Code, CodeFile, code_chunks, code_open, code_zip, text_of
from experiments.selectors.experiments import experiment_get
from experiments.web.forms import KINDS, limits
from experiments.web.heads import experiment_head
from experiments.web.highlight import code_lines
from mlplatform.http.downloads import download
from mlplatform.http.pages import render_page
from mlplatform.kernel.errors import NotFound
from mlplatform.kernel.storage import StorageAway

# A longer file is not shown: nobody reads it in a browser.
MAX_SHOWN_BYTES = 256 * 2**10
MAX_SHOWN_LINES = 10_000


@dataclass(frozen=True)
class Folder:
    """Files that lie in one folder; `path` is empty for those at the top."""

    path: str
    files: list[CodeFile]
    is_open: bool


@dataclass(frozen=True)
class Shown:
    """One file: its lines, or in `note` why they are not shown."""

    name: str
    size: int | None
    lines: list[SafeString]
    note: str


@dataclass(frozen=True)
class ParameterLine:
    """A declared parameter in words."""

    name: str
    kind: str
    default: str
    allowed: str
    help: str


@require_safe
@signed_in
def code(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """What the runs execute: files of which `?file=` is shown, and what there is to know about it all."""
    found = experiment_get(request.user, project, slug)
    bundle = found.bundle
    name = request.GET.get("file") or _first(found)
    if name not in bundle.files:
        raise NotFound(f"This code has no file {name[:200]!r}.")
    try:
        with code_open(bundle) as opened:
            files, shown = list(opened.files.values()), _shown(opened, name)
    except (BundleBroken, StorageAway) as error:
        # What the database knows is still of use.
        files, shown = [], Shown(name, None, [], error.message)
    context = {
        **experiment_head(request, found),
        "bundle": bundle,
        "folders": _folders(files, name),
        "shown": shown,
        "file_url": _file_url(found, name),
        "source": _source(bundle),
        "warnings": bundle_warnings(bundle),
        "parameters": [_parameter(one) for one in found.declared.values()],
    }
    return render_page(request, "experiments/code.html", context)


@require_safe
@signed_in
def code_file(request: SignedInRequest, project: str, slug: str) -> StreamingHttpResponse:
    """The file `?file=` as it is. Always a download: what somebody uploaded must not become a page of ours."""
    bundle = experiment_get(request.user, project, slug).bundle
    name = request.GET.get("file", "")
    return download(
        code_chunks(bundle, name), filename=name.rpartition("/")[2], content_type="application/octet-stream"
    )


@require_safe
@signed_in
def code_bundle(request: SignedInRequest, project: str, slug: str) -> StreamingHttpResponse:
    """All of it as the zip that is stored."""
    bundle = experiment_get(request.user, project, slug).bundle
    filename = f"{bundle.name}-{bundle.sha256[:12]}.zip"
    return download(code_zip(bundle), filename=filename, content_type="application/zip")


def _first(experiment: Experiment) -> str:
    """The file that the entrypoint names, else the first one."""
    files: list[str] = experiment.bundle.files
    module = experiment.entrypoint.partition(":")[0].replace(".", "/")
    wanted = (name for name in (f"{module}.py", f"{module}/__init__.py") if name in files)
    return next(wanted, files[0])


def _shown(opened: Code, name: str) -> Shown:
    size = opened.files[name].size if name in opened.files else None
    content = opened.read(name, MAX_SHOWN_BYTES)
    if content is None:
        return Shown(name, size, [], "This file is too long to be shown here. Download it to read it.")
    text = text_of(content)
    if text is None:
        return Shown(name, size, [], "This file is no text, so it is not shown here. Download it to use it.")
    if not text:
        return Shown(name, size, [], "This file is empty.")
    if text.count("\n") > MAX_SHOWN_LINES:
        return Shown(name, size, [], "This file has too many lines to be shown here. Download it to read it.")
    return Shown(name, size, code_lines(name, text), "")


def _folders(files: list[CodeFile], chosen: str) -> list[Folder]:
    """Those at the top first. A few are open, of many only the one with the chosen file."""
    by_path: dict[str, list[CodeFile]] = defaultdict(list)
    for file in files:
        by_path[file.name.rpartition("/")[0]].append(file)
    here, few = chosen.rpartition("/")[0], len(files) <= 40
    return [Folder(path, by_path[path], few or path in ("", here)) for path in sorted(by_path)]


def _file_url(experiment: Experiment, name: str) -> str:
    place = reverse("code_file", args=[experiment.project.slug, experiment.slug])
    return f"{place}?{urlencode({'file': name})}"


def _source(bundle: Bundle) -> list[tuple[str, str]]:
    """Where the code came from, line by line."""
    match bundle.source:
        case {"kind": "git", "url": url, "commit": commit, **rest}:
            lines = [("Repository", url), ("Revision", rest.get("revision", "")), ("Commit", commit)]
            return [line for line in [*lines, ("Folder", rest.get("path", ""))] if line[1]]
        case {"kind": "upload", "filename": filename}:
            return [("Uploaded as", filename)]
        case {"kind": "example", "name": name}:
            return [("Built-in example", name)]
    return []


def _parameter(parameter: Parameter) -> ParameterLine:
    choices = ", ".join(map(written, parameter.choices))
    default = "" if parameter.default is None else written(parameter.default)
    allowed = ". ".join(filter(None, (choices and f"One of {choices}", limits(parameter))))
    return ParameterLine(parameter.name, KINDS[parameter.type], default, allowed, parameter.help)

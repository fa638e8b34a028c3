"""What to say of code before it is launched: it may be launched all the same."""

from django.conf import settings

from experiments import readiness
from experiments.inspection import parsed
from experiments.models import Bundle
from experiments.services.bundles import bundle_files, sources
from mlplatform.kernel.errors import PlatformError
from runners.selectors.installed import package_names


def code_notes(bundle: Bundle) -> list[str]:
    """What its author may have forgotten, in sentences. Reads the stored code."""
    try:
        trees = {name: parsed(name, source) for name, source in sources(bundle_files(bundle)).items()}
    except PlatformError as error:
        return [error.message]
    metric = bundle.manifest["objective"]["metric"]
    notes = [readiness.report_missing(trees), readiness.metric_unknown(trees, metric)]
    there = package_names(settings.DEFAULT_BACKEND)
    return [
        *(note for note in notes if note),
        *readiness.imports_missing(trees, bundle.requirements, there),
    ]

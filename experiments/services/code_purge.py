"""Deleting uploaded code. Equal files share one zip, also over projects: somebody may need it again at any moment."""

from experiments.models import Bundle
from mlplatform.kernel import storage


def bundle_purge(bundle: Bundle) -> int:
    """Delete its zip, unless other bundles have the same, and its row; the bytes."""
    freed = 0 if _is_shared(bundle) and not storage.exists(_aside(bundle)) else _zip_purge(bundle)
    bundle.delete()
    return freed


def _zip_purge(bundle: Bundle) -> int:
    """Put it aside, and look again: whoever takes in the same code writes the zip again if it finds none after all."""
    aside = _aside(bundle)
    storage.move(bundle.key, aside)
    if _is_shared(bundle):
        if storage.exists(bundle.key):
            storage.delete_tree(storage.url(aside))
        else:
            storage.move(aside, bundle.key)
        return 0
    return storage.delete_tree(storage.url(aside))


def _is_shared(bundle: Bundle) -> bool:
    return Bundle.objects.filter(sha256=bundle.sha256).exclude(pk=bundle.pk).exists()


def _aside(bundle: Bundle) -> str:
    return f"{bundle.key}.discarded"

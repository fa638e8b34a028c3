"""Telling what is gone from what is only away."""

from experiments.models import Bundle
from mlplatform.kernel import storage


def storage_must_be_there() -> None:
    """Raise StorageAway if the storage does not answer, or has no code: then what is not found there is not gone.

    A storage that is not mounted is an empty folder, and gets everything back later. Code is the last to be deleted.
    """
    if bundle := Bundle.objects.first():
        storage.check_folder(bundle.key)

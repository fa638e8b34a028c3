"""Files of runs and models behind MLflow's artifact proxy: listed, streamed, deleted."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from experiments.tracking.port import StoredFile
from experiments.tracking.rest import MlflowRest

SCHEME = "mlflow-artifacts"
# Deeper, and more, than any model that we store; a listing has an end.
MAX_DEPTH = 8
MAX_FILES = 5000


class MlflowFiles:
    """The part of the adapter that deals with files. `uri` is an artifact URI as MLflow gives it."""

    def __init__(self, rest: MlflowRest) -> None:
        self._rest = rest

    def below(self, uri: str) -> list[StoredFile]:
        """All files, by path. One call for each folder."""
        root = proxied(uri)
        if root is None:
            return []
        found = sorted(self._walk(root, "", MAX_DEPTH), key=lambda file: file.path)
        return found[:MAX_FILES]

    def chunks(self, uri: str, path: str) -> Iterator[bytes]:
        """One file."""
        root = proxied(uri)
        if root is not None:
            yield from self._rest.download(f"{root}/{path}")

    def remove(self, uri: str) -> int:
        """Delete everything; the bytes that there were."""
        root = proxied(uri)
        if root is None:
            return 0
        size = sum(file.size for file in self.below(uri))
        self._rest.remove(root)
        return size

    def _walk(self, root: str, folder: str, depth: int) -> Iterator[StoredFile]:
        for entry in self._rest.listing(f"{root}/{folder}".rstrip("/")):
            path = f"{folder}{entry['path']}"
            if not entry.get("is_dir"):
                yield StoredFile(path, int(entry.get("file_size") or 0))
            elif depth:
                yield from self._walk(root, f"{path}/", depth - 1)


def proxied(uri: str) -> str | None:
    """The path of an artifact URI in the proxy, None if MLflow keeps it where only itself can look."""
    location = urlsplit(uri)
    path = location.path.strip("/")
    return path if location.scheme == SCHEME and path else None

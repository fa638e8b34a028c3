"""Git over HTTP on loopback: `git http-backend` behind a small server, and some servers that misbehave."""

import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main")


class GitServer:
    """Serves the bare repositories of a folder. `url` ends without a slash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.gate = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                outer.answer(self)

            do_POST = do_GET  # noqa: N815  # the name is http.server's

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"

    @contextmanager
    def running(self) -> Iterator["GitServer"]:
        """Answer requests."""
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        yield self
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """By the first part of the path: moved, private, stuck and dumb are servers that misbehave."""
        self.asked.append(request.path)
        match request.path.split("/")[1]:
            case "moved":
                request.send_response(302)
                request.send_header("Location", request.path.removeprefix("/moved"))
                request.end_headers()
            case "private":
                request.send_response(401)
                request.send_header("WWW-Authenticate", 'Basic realm="git"')
                request.end_headers()
            case "stuck":
                self.gate.wait()
            case "dumb":
                file = self.folder / request.path.partition("?")[0].removeprefix("/dumb/")
                request.send_response(200 if file.is_file() else 404)
                request.end_headers()
                if file.is_file():
                    request.wfile.write(file.read_bytes())
            case _:
                self._backend(request)

    def _backend(self, request: BaseHTTPRequestHandler) -> None:
        path, _, query = request.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": request.command,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=environment, capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        request.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)


class Repository:
    """A working copy and the bare repository that is served."""

    def __init__(self, folder: Path, name: str) -> None:
        self.work, self.bare = folder / f"{name}-work", folder / f"{name}.git"
        self._git("init", "--quiet", str(self.work), folder=folder)

    def commit(self, files: Mapping[str, bytes | Path], branch: str = "main") -> str:
        """Commit these files (a Path is a link to it) and serve them; the commit's id."""
        for name, content in files.items():
            file = self.work / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                file.symlink_to(content)
            else:
                file.write_bytes(content)
        self._git("add", "--all", "--force")
        self._git("commit", "--quiet", "--allow-empty", "-m", "more")
        return self.publish(branch)

    def publish(self, branch: str = "main") -> str:
        """Serve what is committed."""
        if not self.bare.exists():
            self._git("init", "--quiet", "--bare", str(self.bare))
        self._git("push", "--quiet", "--force", "--tags", str(self.bare), f"HEAD:refs/heads/{branch}")
        self._git("--git-dir", str(self.bare), "update-server-info")
        return self._git("rev-parse", "HEAD")

    def tag(self, name: str) -> None:
        """An annotated tag."""
        self._git("tag", "-a", name, "-m", name)
        self.publish()

    def link(self, path: str, commit: str) -> str:
        """Commit a submodule without fetching any."""
        self._git("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
        self._git("commit", "--quiet", "-m", "submodule")
        return self.publish()

    def _git(self, *arguments: str, folder: Path | None = None) -> str:
        return subprocess.run(
            ["git", *IDENTITY, *arguments],
            cwd=folder or self.work,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

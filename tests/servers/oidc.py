"""An OpenID Connect issuer on loopback, for tests: discovery, keys, authorisation code with PKCE, tokens, userinfo."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, CLIENT_SECRET = "portal", "a secret between servers"


@dataclass
class Issuer:
    """Whoever is sent here is `person`, without being asked. What a request brought is in `asked`."""

    person: dict[str, Any] = field(default_factory=dict)
    refuses: bool = False
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._codes: dict[str, dict[str, str]] = {}
        self._tokens: dict[str, dict[str, Any]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                outer.answer(self, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                outer.answer(self, {name: values[0] for name, values in parse_qs(body).items()})

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/realms/ml"

    @contextmanager
    def running(self) -> Iterator["Issuer"]:
        """Answer requests."""
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        yield self
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        """By the end of the path."""
        parts = urlsplit(request.path)
        given = form or {name: values[0] for name, values in parse_qs(parts.query).items()}
        endpoint = parts.path.removeprefix("/realms/ml/")
        self.asked.append((endpoint, given))
        match endpoint:
            case ".well-known/openid-configuration":
                _json(request, 200, self._discovery())
            case "keys":
                public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
                _json(request, 200, {"keys": [{**public, "kid": "1", "alg": "RS256", "use": "sig"}]})
            case "authorize":
                self._authorize(request, given)
            case "token":
                self._token(request, given)
            case "userinfo":
                token = request.headers.get("Authorization", "").removeprefix("Bearer ")
                _json(request, 200 if token in self._tokens else 401, self._tokens.get(token, {}))
            case _:
                _json(request, 404, {})

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }

    def _authorize(self, request: BaseHTTPRequestHandler, given: dict[str, str]) -> None:
        if self.refuses:
            answer = {"error": "access_denied", "state": given["state"]}
        else:
            code = secrets.token_urlsafe()
            self._codes[code] = given
            answer = {"code": code, "state": given["state"]}
        request.send_response(302)
        request.send_header("Location", f"{given['redirect_uri']}?{urlencode(answer)}")
        request.end_headers()

    def _token(self, request: BaseHTTPRequestHandler, given: dict[str, str]) -> None:
        begun = self._codes.pop(given.get("code", ""), None)
        if begun is None or not self._is_client(request, given) or not _is_verified(begun, given):
            _json(request, 400, {"error": "invalid_grant"})
            return
        token = secrets.token_urlsafe()
        self._tokens[token] = dict(self.person)
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "sub": self.person["sub"]}
        if "nonce" in begun:
            claims["nonce"] = begun["nonce"]
        signed = jwt.encode(claims, self._key, "RS256", {"kid": "1"})
        _json(request, 200, {"access_token": token, "token_type": "Bearer", "id_token": signed})

    def _is_client(self, request: BaseHTTPRequestHandler, given: dict[str, str]) -> bool:
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        is_posted = (given.get("client_id"), given.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        return is_posted or request.headers.get("Authorization") == f"Basic {basic}"


def _is_verified(begun: dict[str, str], given: dict[str, str]) -> bool:
    """PKCE, and the address that the code was made for."""
    digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    is_same = begun["redirect_uri"] == given.get("redirect_uri")
    return is_same and begun.get("code_challenge") == challenge


def _json(request: BaseHTTPRequestHandler, status: int, body: dict[str, Any]) -> None:
    content = json.dumps(body).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)

import shlex
from importlib.metadata import version
from pathlib import Path

import pytest

from mlplatform.embedded.home import Home
from mlplatform.embedded.services import PORTS, Service, declare
from mlplatform.kernel import env

ENVIRON = {
    "PATH": "/usr/bin",
    "LANG": "C.UTF-8",
    "MLP_SECRET_KEY": "of somebody else",
    "MLP_SIGNUP": "closed",
    "MLP_EMAIL_URL": "smtp://mail.intranet",
    "MLP_GIT_HOSTS": "git.intranet",
    "RAY_ADDRESS": "http://elsewhere",
    "MLFLOW_TRACKING_URI": "http://elsewhere",
    "DJANGO_SETTINGS_MODULE": "elsewhere",
    "no_proxy": "intranet",
    "PGPORT": "6000",
    "PGOPTIONS": "elsewhere",
}
NUMBERS = {name: 20_000 + place for place, name in enumerate(PORTS)}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


@pytest.fixture
def services(home: Home) -> dict[str, Service]:
    return {service.name: service for service in declare(home, NUMBERS, 7, ENVIRON)}


def line(service: Service) -> str:
    return " ".join(shlex.join(command) for command in service.commands)


def test_each_comes_after_those_it_needs(services: dict[str, Service]) -> None:
    seen: set[str] = set()
    for service in services.values():
        assert set(service.after) <= seen
        seen.add(service.name)
    assert seen == {"postgres", "valkey", "setup", "web", "worker", "clock", "ray", "mlflow"}


def test_nothing_listens_beyond_this_machine(services: dict[str, Service]) -> None:
    # The socket that it inherits is bound to loopback (test_ports).
    assert "--fd 7 " in line(services["web"])
    assert services["web"].inherited == (7,)
    assert "--host 127.0.0.1" in line(services["mlflow"])
    assert "--port 0 " in line(services["valkey"])
    assert "listen_addresses=" in line(services["postgres"])
    assert "--node-ip-address=127.0.0.2" in line(services["ray"])
    assert "--dashboard-host=127.0.0.1" in line(services["ray"])
    assert not any("0.0.0.0" in line(service) for service in services.values())


def test_no_proxy_is_believed(services: dict[str, Service]) -> None:
    assert "--no-proxy-headers" in services["web"].commands[0]


def test_ray_gets_all_of_its_ports(services: dict[str, Service]) -> None:
    command = line(services["ray"])
    for name, port in NUMBERS.items():
        if name.startswith("ray_"):
            assert f"--{name.removeprefix('ray_').replace('_', '-')}={port} " in command


def test_no_argument_fell_to_pieces(services: dict[str, Service]) -> None:
    for service in services.values():
        for command in service.commands:
            assert not [argument for argument in command if len(argument) == 1 and not argument.isdecimal()]


def test_every_argument_of_ray_is_an_option(services: dict[str, Service]) -> None:
    (command,) = services["ray"].commands
    assert command[1] == "start"
    assert all(argument.startswith("--") for argument in command[2:])


def test_ray_offers_the_memory_that_the_portal_counts(services: dict[str, Service]) -> None:
    counted = int(services["web"].environment["MLP_RAY_MEMORY"])
    assert f"--memory={counted * 2**30} " in line(services["ray"]) + " "


def test_ray_asks_for_the_token(services: dict[str, Service], home: Home) -> None:
    environment = services["ray"].environment
    assert environment["RAY_AUTH_MODE"] == "token"
    assert environment["RAY_AUTH_TOKEN_PATH"] == str(home.secret_file("ray_token"))


def test_ray_shows_its_metrics_to_nobody(services: dict[str, Service]) -> None:
    assert services["ray"].environment["RAY_enable_metrics_collection"] == "false"
    assert services["ray"].environment["DASHBOARD_METRIC_PORT"] == "-1"


def test_training_code_sees_no_setting_of_the_portal(services: dict[str, Service]) -> None:
    for name in ("ray", "mlflow"):
        assert not [variable for variable in services[name].environment if variable.startswith("MLP_")]
    assert services["ray"].environment["LANG"] == "C.UTF-8"


def test_the_operators_shell_does_not_redirect_us(services: dict[str, Service]) -> None:
    for service in services.values():
        assert "http://elsewhere" not in service.environment.values()
        assert not [name for name in service.environment if name.startswith("PG")]
        assert service.environment["no_proxy"] == "intranet,localhost,127.0.0.1,127.0.0.2"
    assert services["web"].environment["DJANGO_SETTINGS_MODULE"] == "mlplatform.settings"


def test_the_portals_environment_is_complete(services: dict[str, Service]) -> None:
    values = env.read(services["web"].environment)
    assert values["MLP_PORTAL_URL"] == f"http://127.0.0.1:{NUMBERS['web']}"
    assert values["MLP_RAY_CPUS"] >= 2
    assert values["MLP_RAY_MEMORY"] >= 1
    assert values["MLP_RAY_PACKAGES"] == {"ray": version("ray"), "torch": version("torch")}
    assert values["MLP_SIGNUP"] == "closed"
    assert values["MLP_EMAIL_URL"] == "smtp://mail.intranet"
    assert values["MLP_GIT_HOSTS"] == frozenset({"git.intranet"})
    assert values["MLP_SECRET_KEY"] != "of somebody else"


def test_no_secret_stands_in_a_command_line_or_environment(services: dict[str, Service], home: Home) -> None:
    secrets = [path.read_text() for path in (home / "secrets").iterdir()]
    assert len(secrets) == 4
    for service in services.values():
        everything = line(service) + " ".join(service.environment.values())
        assert not any(secret in everything for secret in secrets)


def test_only_setup_learns_the_passwords(services: dict[str, Service], home: Home) -> None:
    assert services["setup"].environment["MLP_DEMO_PASSWORD_FILE"] == str(home.secret_file("demo_password"))
    assert "MLP_DEMO_PASSWORD_FILE" not in services["web"].environment


def test_old_ray_sessions_go_and_the_logs_of_the_last_one_stay(
    services: dict[str, Service], home: Home
) -> None:
    for name in ("session_2026-01-01", "session_2026-01-02", "session_2026-01-03"):
        (home / "ray" / name / "logs").mkdir(parents=True)
        (home / "ray" / name / "runtime_resources" / "pip").mkdir(parents=True)
    (home / "ray" / "session_latest").symlink_to(home / "ray" / "session_2026-01-03")
    prepare = services["ray"].prepare
    assert prepare is not None
    prepare()
    assert {path.name for path in (home / "ray").iterdir()} == {"session_2026-01-03", "session_latest"}
    assert [path.name for path in (home / "ray" / "session_2026-01-03").iterdir()] == ["logs"]

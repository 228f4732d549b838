"""The files that deploy the production form name what there is: variables, commands, folders."""

import re
import shlex
import subprocess
from typing import Any

import yaml

from tests.house.test_docs import variables_read
from tests.house.tracked import ROOT

# Read by libraries, by Django's start, or by the containers around us.
OTHERS = {
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "HOME",
    "SITE_ADDRESS",
    "POSTGRES_USER",
    "POSTGRES_DB",
    "POSTGRES_PASSWORD",
    "REDISCLI_AUTH",
}


def compose() -> dict[str, Any]:
    """The services by name, anchors merged."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
    return found


def commands() -> dict[str, list[str]]:
    """Every command of ours in the Procfile and in compose."""
    lines = [line.partition(": ") for line in (ROOT / "Procfile").read_text().splitlines()]
    found = {name: shlex.split(command) for name, _colon, command in lines}
    return found | {f"compose {name}": made["command"] for name, made in compose()["services"].items() if "command" in made}


def test_every_variable_of_compose_is_a_setting() -> None:
    named = {name for made in compose()["services"].values() for name in made.get("environment", {})}
    assert named - OTHERS <= variables_read()
    assert {"SECRET_KEY", "SEALING_KEYS", "DATABASE_URL", "REDIS_URL", "CHROMA_URL"} <= named


def test_no_secret_stands_in_a_file() -> None:
    text = (ROOT / "deploy/compose.yaml").read_text()
    for name in ("SECRET_KEY", "SEALING_KEYS", "POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        values = re.findall(rf"{name}: (.+)", text)
        assert all(value.startswith("${") for value in values)
        assert f"${{{name}:?" in text, f"{name} must be asked for"


def test_every_service_waits_for_services_there_are_and_says_how_it_is() -> None:
    services = compose()["services"]
    for name, made in services.items():
        assert set(made.get("depends_on", {})) <= set(services), name
        for other, how in made.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or "healthcheck" in services[other], f"{name} waits for {other}"
        assert {volume.partition(":")[0] for volume in made.get("volumes", []) if not volume.startswith(".")} <= set(compose()["volumes"])


def test_every_command_is_one_of_ours() -> None:
    for name, command in commands().items():
        words = [word for word in command if "=" not in word]
        if "manage.py" in words:
            verb = words[words.index("manage.py") + 1]
            assert verb == "migrate" or (ROOT / f"supportdesk/core/management/commands/{verb}.py").exists(), name
        elif "celery" in words:
            assert words[words.index("-A") + 1] == "supportdesk.celery", name
        elif "daphne" in words:
            assert words[-1] == "supportdesk.asgi:application", name
        elif "redis-server" not in words:
            assert words[:2] == ["sh", "deploy/chroma.sh"], name


def test_the_image_holds_every_room_of_the_project() -> None:
    copied = set(re.findall(r"^COPY (\S+) ", (ROOT / "deploy/Dockerfile").read_text(), re.M))
    assert all((ROOT / name).exists() for name in copied if not name.startswith("--"))
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    rooms = {name.partition("/")[0] for name in listed} - {"tests", "deploy"}
    assert rooms <= copied

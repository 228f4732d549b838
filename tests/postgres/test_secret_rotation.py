"""Sealing keys change while tokens are used and replaced; a dump of the database holds no secret."""

import base64
import os
import subprocess
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings as site
from django.core.management import CommandError, call_command
from pytest_django import Settings

from agents.actions.models import Connector
from supportdesk.core.rotation import left_over, rotate
from supportdesk.core.tenancy import acting_for
from tests.factories import World
from tests.postgres.threads import errors, together


def key(name: str) -> str:
    return f"{name}:{base64.b64encode(os.urandom(32)).decode()}"


def connectors(world: World, count: int) -> list[int]:
    with acting_for(world.tenant):
        made = [Connector.objects.create(key=f"c{n}", name=f"C{n}", base_url="https://93.184.215.14") for n in range(count)]
        for each in made:
            each.set_token(f"first-{each.pk}")
    return [each.pk for each in made]


@pytest.mark.reliability(69, "rotation")
def test_keys_rotate_while_four_threads_replace_and_use_tokens(acme: World, globex: World, settings: Settings):
    old, new = key("old"), key("new")
    settings.SEALING_KEYS = [old]
    mine = {world.tenant.pk: (world, connectors(world, 20)) for world in (acme, globex)}
    # Both keys are known to every process before the newest one seals: the documented order.
    settings.SEALING_KEYS = [new, old]
    stored: dict[int, str] = {}

    def work(number: int) -> int:
        world, keys = mine[(acme, globex)[number % 2].tenant.pk]
        own = keys[number // 2 :: 2]
        opened = 0
        for turn in range(6):
            with acting_for(world.tenant):
                for pk in own:
                    row = Connector.objects.get(pk=pk)
                    assert row.token() == stored.get(pk, f"first-{pk}")
                    if (pk + turn) % 3 == 0:
                        row.set_token(f"turn-{turn}-{pk}")
                        stored[pk] = f"turn-{turn}-{pk}"
                    opened += 1
        return opened

    results = together(*(lambda n=n: work(n) for n in range(4)), lambda: rotate(batch=3))
    assert errors(results) == []
    assert results[:4] == [60, 60, 60, 60]
    assert sum(told.closed for told in results[4]) == 0
    rotate()
    assert sum(told.left for told in left_over()) == 0
    settings.SEALING_KEYS = [new]
    for world, keys in mine.values():
        with acting_for(world.tenant):
            assert {pk: Connector.objects.get(pk=pk).token() for pk in keys} == {pk: stored.get(pk, f"first-{pk}") for pk in keys}


@pytest.mark.reliability(69, "rotation")
def test_the_command_says_what_still_needs_an_older_key(acme: World, settings: Settings, capsys: pytest.CaptureFixture[str]):
    old, new = key("old"), key("new")
    settings.SEALING_KEYS = [old]
    connectors(acme, 3)
    settings.SEALING_KEYS = [new, old]
    with pytest.raises(CommandError, match="3 secrets still need an older key"):
        call_command("rotate_secrets", "--check")
    call_command("rotate_secrets", "--batch", "2")
    assert "actions.Connector.sealed_token: 3 sealed again" in capsys.readouterr().out
    call_command("rotate_secrets", "--check")


@pytest.mark.reliability(69, "rotation")
def test_a_secret_whose_key_is_gone_is_named_and_the_others_rotate(acme: World, settings: Settings):
    lost, old, new = key("lost"), key("old"), key("new")
    settings.SEALING_KEYS = [old]
    _first, second = connectors(acme, 2)
    settings.SEALING_KEYS = [lost]
    with acting_for(acme.tenant):
        Connector.objects.get(pk=second).set_token("gone")
    settings.SEALING_KEYS = [new, old]
    (told,) = [each for each in rotate() if each.column == "actions.Connector.sealed_token"]
    assert (told.resealed, told.closed) == (1, 1)
    with pytest.raises(CommandError):
        call_command("rotate_secrets")


@pytest.mark.reliability(69, "dumps")
def test_a_dump_of_the_database_holds_no_secret(acme: World, owner: psycopg.Connection[object]):
    with acting_for(acme.tenant):
        made = Connector.objects.create(key="shop", name="Shop", base_url="https://93.184.215.14")
        made.set_token("zx81-canary-token-QmFzZTY0")
    url = urlsplit(site.DATABASE_URL)._replace(scheme="postgresql").geturl()
    done = subprocess.run(["pg_dump", "--inserts", url], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "93.184.215.14" in done.stdout
    assert "zx81-canary-token-QmFzZTY0" not in done.stdout

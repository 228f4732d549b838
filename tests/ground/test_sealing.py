"""Reliability 69: a secret opens only where it was sealed, and keys can be changed under it."""

import base64
import os

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from agents.actions.models import Connector
from supportdesk.core.sealing import CannotOpen, seal, unseal
from tests.factories import World

PLACE = "7|actions.Connector|token|3"
SECRET = "shpat-4711-Ünïcode"


def key(name: str) -> str:
    return f"{name}:{base64.b64encode(os.urandom(32)).decode()}"


def test_a_secret_opens_where_it_was_sealed_and_never_looks_the_same_twice():
    sealed = [seal(SECRET, place=PLACE) for _ in range(2)]
    assert [unseal(each, place=PLACE) for each in sealed] == [SECRET, SECRET]
    assert sealed[0] != sealed[1]
    assert SECRET not in "".join(sealed)


@pytest.mark.parametrize("elsewhere", ["8|actions.Connector|token|3", "7|actions.Connector|token|4", "7|actions.Connector|webhook|3", ""])
def test_a_sealed_text_copied_to_another_place_does_not_open(elsewhere: str):
    with pytest.raises(CannotOpen):
        unseal(seal(SECRET, place=PLACE), place=elsewhere)


def test_one_changed_byte_does_not_open():
    sealed = seal(SECRET, place=PLACE)
    name, _, body = sealed.partition(":")
    raw = bytearray(base64.b64decode(body))
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 1
        with pytest.raises(CannotOpen):
            unseal(f"{name}:{base64.b64encode(changed).decode()}", place=PLACE)


@pytest.mark.parametrize("text", ["", "demo:", "demo:????", "none:AAAA", "no colon", "demo:AAAA"])
def test_what_was_never_sealed_does_not_open(text: str):
    with pytest.raises(CannotOpen):
        unseal(text, place=PLACE)


def test_a_new_key_seals_and_the_old_one_still_opens_until_it_is_gone(settings: Settings):
    old, new = key("2025"), key("2026")
    settings.SEALING_KEYS = [old]
    sealed_before = seal(SECRET, place=PLACE)
    settings.SEALING_KEYS = [new, old]
    sealed_after = seal(SECRET, place=PLACE)
    assert (sealed_before.partition(":")[0], sealed_after.partition(":")[0]) == ("2025", "2026")
    assert unseal(sealed_before, place=PLACE) == unseal(sealed_after, place=PLACE) == SECRET
    settings.SEALING_KEYS = [new]
    assert unseal(sealed_after, place=PLACE) == SECRET
    with pytest.raises(CannotOpen):
        unseal(sealed_before, place=PLACE)


def test_a_key_of_the_wrong_length_is_refused(settings: Settings):
    settings.SEALING_KEYS = ["short:" + base64.b64encode(b"16 bytes is weak").decode()]
    with pytest.raises(ImproperlyConfigured, match="'short' must be 32 bytes"):
        seal(SECRET, place=PLACE)


def test_a_connectors_token_copied_to_another_connector_does_not_open(world: World):
    first = Connector.objects.create(key="shop", name="Shop", base_url="https://shop.example")
    second = Connector.objects.create(key="other", name="Other", base_url="https://other.example")
    assert second.token() == ""
    first.set_token(SECRET)
    assert (first.token(), Connector.objects.get(pk=first.pk).token()) == (SECRET, SECRET)
    Connector.objects.filter(pk=second.pk).update(sealed_token=first.sealed_token)
    second.refresh_from_db()
    with pytest.raises(CannotOpen):
        second.token()

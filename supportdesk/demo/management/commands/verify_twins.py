"""`manage.py verify_twins`: what is stored of two equal workspaces, searched for words and effects of the other one."""

import json
import sys
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.cache import cache
from django.core.management.base import BaseCommand

from agents.actions.models import State, ToolCall
from agents.knowledge.models import Article
from agents.runtime.models import Step
from supportdesk.core.models import Event, Job, Tenant
from supportdesk.core.signals import has_walls
from supportdesk.core.tenancy import acting_for


class Command(BaseCommand):
    """Exit 1 when anything of one workspace stands in the other."""

    help = "Read {workspace: {canary, keys}} as JSON from standard input; check rows, traces, caches, mails and the shops' ledgers."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what was searched, or what was found."""
        asked: dict[str, dict[str, Any]] = json.load(sys.stdin)
        found: list[str] = []
        rows = 0
        for slug, about in asked.items():
            others = [each["canary"] for name, each in asked.items() if name != slug]
            tenant = Tenant.objects.get(slug=slug)
            with acting_for(tenant):
                counted, said = _rows(tenant, about["canary"], others)
                found += [*said, *_effects(about["keys"]), *_hits()]
            rows += counted
        keys, said = _elsewhere([each["canary"] for each in asked.values()])
        found += said
        for line in found:
            self.stderr.write(line)
        if found:
            raise SystemExit(1)
        self.stdout.write(f"{rows} rows and {keys} cached keys and mails: nothing of one at the other")


def _rows(tenant: Tenant, own: str, others: list[str]) -> tuple[int, list[str]]:
    """Every row of the tenant: prompts, steps, messages, events, jobs, histories."""
    found, rows, mine = [], 0, 0
    models: list[Any] = [*filter(has_walls, apps.get_models()), Event, Job]
    for model in models:
        for row in model._base_manager.filter(tenant_id=tenant.pk).values():
            rows += 1
            text = " ".join(map(str, row.values()))
            mine += own in text
            found += [f"{tenant.slug}: {model.__name__} holds a word of the other workspace" for word in others if word in text]
    return rows, [*found, *([] if mine else [f"{tenant.slug}: nothing holds its own word: was it driven?"])]


def _effects(keys: list[str]) -> list[str]:
    """The shop's ledger and our own are the same list."""
    done = {str(pk) for pk in ToolCall.objects.filter(is_write=True, state=State.SUCCEEDED).values_list("pk", flat=True)}
    twice = len(keys) != len(set(keys))
    return ["the shop's ledger is not ours"] if set(keys) != done or twice else []


def _hits() -> list[str]:
    """Every passage a search came to is of an article of the acting workspace."""
    known = set(Article.objects.values_list("pk", flat=True))
    steps = Step.objects.filter(kind=Step.Kind.RETRIEVAL)
    read = [(step.pk, hit["article"]) for step in steps for hit in step.output.get("hits", [])]
    return [f"step {step} read a foreign article" for step, article in read if article not in known]


def _elsewhere(words: list[str]) -> tuple[int, list[str]]:
    """What both share: no cached key or value and no mail holds what customers wrote; each key begins with whose it is."""
    found, looked = [], 0
    if settings.REDIS_URL:
        client: Any = cache._cache.get_client()  # type: ignore[attr-defined]
        for key in client.scan_iter(f"{cache.key_prefix}:*"):
            value = client.get(key) if client.type(key) == b"string" else b""
            looked += 1
            if any(word.encode() in key + (value or b"") for word in words):
                found.append(f"the cache holds a customer's words under {key!r}")
    folder = settings.VAR_DIR / "mail"
    for mail in folder.glob("*.log") if folder.exists() else ():
        looked += 1
        if any(word in mail.read_text(errors="replace") for word in words):
            found.append(f"a mail holds a customer's words: {mail.name}")
    return looked, found

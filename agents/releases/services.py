"""Making releases, and moving the label that says which one is live."""

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from agents.knowledge.models import Passage, Snapshot
from agents.releases.models import Agent, Label, Pin, Release
from policies.models import PolicyVersion
from policies.publishing import digest, publish_policy, publish_prompt
from supportdesk.core.events import Actor, record
from tickets.models import Ticket


class NoRelease(Exception):
    """The brand has no live release, so its agent cannot answer."""


@transaction.atomic
def make_release(agent: Agent, *, by: Actor, name: str = "", note: str = "") -> Release:
    """Freeze what the agent is now: publish prompt and policy, snapshot the current passages, bundle them.

    Raises:
        ValidationError: when a rule could not be evaluated.
    """
    prompt = publish_prompt(agent.prompt, by=by, name=name)
    policy = publish_policy(agent.policy, by=by, name=name)
    snapshot = take_snapshot()
    content = {
        "prompt": prompt.hash,
        "policy": policy.hash,
        "knowledge": snapshot.hash,
        "tools": agent.tools,
        "model_chain": agent.model_chain or settings.MODEL_CHAIN,
        "retrieval": {"embedder": settings.EMBEDDER, "limit": 5},
    }
    newest = Release.objects.filter(agent=agent).order_by("-number").first()
    if newest is not None and newest.hash == digest(content):
        same: Release = newest
        return same
    number = (Release.objects.aggregate(n=Max("number"))["n"] or 0) + 1
    made: Release = Release.objects.create(
        agent=agent,
        number=number,
        prompt_version=prompt,
        policy_version=policy,
        snapshot=snapshot,
        tools=content["tools"],
        model_chain=content["model_chain"],
        retrieval=content["retrieval"],
        hash=digest(content),
        note=note,
        created_by=name,
    )
    record("release.made", by=by, release=made.pk, changed={"number": number, "hash": made.hash})
    return made


def take_snapshot() -> Snapshot:
    """The manifest of the passages that are current; unchanged content returns the newest one."""
    rows = list(Passage.objects.filter(is_current=True).order_by("id").values_list("id", "content_hash"))
    hashed = digest(sorted(content for _id, content in rows))
    newest = Snapshot.objects.order_by("-number").first()
    if newest is not None and newest.hash == hashed and newest.passage_ids == [pk for pk, _hash in rows]:
        same: Snapshot = newest
        return same
    made: Snapshot = Snapshot.objects.create(
        number=(newest.number if newest else 0) + 1, passage_ids=[pk for pk, _hash in rows], hash=hashed
    )
    return made


@transaction.atomic
def promote(release: Release, *, by: Actor, environment: str = "live") -> Label:
    """Make the release live for new tickets of its agent; what was live stays one step away."""
    label = Label.objects.select_for_update().filter(agent=release.agent, environment=environment, name="live").first()
    if label is None:
        label = Label.objects.create(agent=release.agent, environment=environment, name="live", release=release)
    elif label.release_id != release.pk:
        label.previous, label.release, label.moved_at = label.release, release, timezone.now()
        label.save(update_fields=["previous", "release", "moved_at"])
    record("release.promoted", by=by, release=release.pk, changed={"number": release.number, "environment": environment})
    moved: Label = label
    return moved


@transaction.atomic
def roll_back(agent: Agent, *, by: Actor, environment: str = "live") -> Label:
    """Make the release live that was live before.

    Raises:
        NoRelease: when there is none.
    """
    label = Label.objects.select_for_update().filter(agent=agent, environment=environment, name="live").first()
    if label is None or label.previous is None:
        raise NoRelease("There is no earlier release to go back to.")
    label.release, label.previous, label.moved_at = label.previous, label.release, timezone.now()
    label.save(update_fields=["release", "previous", "moved_at"])
    record("release.rolled_back", by=by, release=label.release_id, changed={"environment": environment})
    moved: Label = label
    return moved


def release_of(ticket: Ticket) -> Release:
    """The release the ticket is pinned to; a new ticket takes what is live for its brand and environment.

    Raises:
        NoRelease: when nothing is live.
    """
    whole = "release__prompt_version__prompt", "release__policy_version__policy", "release__snapshot"
    pin = Pin.objects.select_related(*whole).filter(ticket=ticket).first()
    if pin is None:
        live = Label.objects.select_related(*whole).filter(agent__is_active=True, environment=ticket.environment, name="live")
        label = live.filter(agent__brand=ticket.brand_id).first()
        if label is None:
            raise NoRelease("No release is live for this brand.")
        # One of two that pin at once wins; both go on with what it wrote.
        Pin.objects.bulk_create([Pin(tenant_id=ticket.tenant_id, ticket=ticket, release=label.release)], ignore_conflicts=True)
        pinned = Pin.objects.values_list("release_id", flat=True).get(ticket=ticket)
        if pinned == label.release_id:
            live_now: Release = label.release
            return live_now
        pin = Pin.objects.select_related(*whole).get(ticket=ticket)
    release: Release = pin.release
    return release


def policy_of(ticket: Ticket) -> PolicyVersion | None:
    """The policy version in force on this ticket now; None when nothing is live for it."""
    try:
        release = policy_in_force(release_of(ticket), ticket.environment)
    except NoRelease:
        return None
    version: PolicyVersion = release.policy_version
    return version


def policy_in_force(release: Release, environment: str) -> Release:
    """The release whose policy decides: the pinned one while it holds a label, otherwise what is live now."""
    if Label.objects.filter(release=release, environment=environment).exists():
        return release
    others = Label.objects.select_related("release__policy_version__policy").filter(agent=release.agent_id)
    label = others.filter(environment=environment, name="live").first()
    live: Release | None = label.release if label else None
    return live or release

"""The seat belt: inside `acting_for` only the own rows, outside it none."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django_scopes.exceptions import ScopeError

from supportdesk.core.middleware import membership_of
from supportdesk.core.models import KillSwitch, Membership, Team, TeamMember
from supportdesk.core.switches import is_stopped
from supportdesk.core.tenancy import TenantManager, TenantModel, acting_for, acting_tenant, acting_tenant_id
from tests.factories import World, make_member, make_switch, make_ticket
from tickets.models import Queue, QueueGrant, Ticket

MODELS = [model for model in apps.get_models() if issubclass(model, TenantModel)]


@pytest.mark.parametrize("model", MODELS)
def test_every_tenant_model_is_asked_through_a_manager_that_knows_the_tenant(model: type[TenantModel]):
    assert isinstance(model._default_manager, TenantManager), model
    assert all(isinstance(manager, TenantManager) for manager in model._meta.managers), model


def test_outside_a_workspace_every_query_is_an_error(db: None):
    for model in MODELS:
        with pytest.raises(ScopeError):
            model._default_manager.count()
    with pytest.raises(ScopeError):
        acting_tenant()
    assert acting_tenant_id() is None


def test_rows_of_another_workspace_do_not_exist(world: World, globex: World):
    with acting_for(globex.tenant):
        theirs = make_ticket(globex)
    assert not Ticket.objects.exists()
    with pytest.raises(Ticket.DoesNotExist):
        Ticket.objects.get(pk=theirs.pk)


def test_a_row_is_stored_for_the_workspace_acted_for_and_no_other(world: World, globex: World):
    assert Team.objects.create(key="new", name="New").tenant == world.tenant
    with pytest.raises(ScopeError, match="another tenant"):
        Team.objects.create(tenant=globex.tenant, key="theirs", name="Theirs")
    with pytest.raises(ScopeError, match="another tenant"):
        globex.team.save()
    with acting_for(globex.tenant):
        assert Queue.objects.get() == globex.queue
    assert Queue.objects.get() == world.queue


def test_the_outer_workspace_comes_back_even_after_an_error(world: World, globex: World):
    with pytest.raises(ZeroDivisionError), acting_for(globex.tenant):
        raise ZeroDivisionError
    assert acting_tenant() == world.tenant


def test_a_grant_lets_one_teammate_into_one_queue_of_this_workspace_only(world: World, globex: World, bob: Membership):
    TeamMember.objects.filter(membership=bob).delete()
    ticket = make_ticket(world)
    assert not Ticket.objects.visible_to(bob).exists()
    kind = ContentType.objects.get_for_model(Queue)
    view, _made = Permission.objects.get_or_create(content_type=kind, codename="view_queue")
    QueueGrant.objects.create(user=bob.user, permission=view, content_object=world.queue)
    assert list(Ticket.objects.visible_to(bob)) == [ticket]
    with acting_for(globex.tenant):
        assert not QueueGrant.objects.exists()


@pytest.mark.parametrize(
    ("switches", "whole", "refund"),
    [
        ([], False, False),
        ([("acme", "", True)], True, True),
        ([("acme", "", False)], False, False),
        ([("acme", "create_refund", True)], False, True),
        ([("acme", "cancel_order", True)], False, False),
        ([("globex", "", True)], False, False),
        ([(None, "", True)], True, True),
        ([(None, "create_refund", True)], False, True),
    ],
)
def test_the_kill_switch_stops_its_reach_and_no_more(
    world: World, globex: World, switches: list[tuple[str | None, str, bool]], whole: bool, refund: bool
):
    tenants = {"acme": world.tenant, "globex": globex.tenant, None: None}
    for slug, tool, is_on in switches:
        make_switch(tenants[slug], tool=tool, is_on=is_on)
    assert (bool(is_stopped()), bool(is_stopped("create_refund"))) == (whole, refund)


def test_a_switch_takes_effect_at_once(world: World):
    switch = make_switch(world.tenant, is_on=False)
    assert is_stopped() is None
    KillSwitch.objects.filter(pk=switch.pk).update(is_on=True)
    assert is_stopped() == switch


def test_the_chosen_membership_counts_only_if_it_is_ones_own_and_alive(world: World, globex: World):
    alice = world.owner.user
    second = make_member(globex.tenant, user=alice)
    assert membership_of(alice.pk) == world.owner
    assert membership_of(alice.pk, second.pk) == second
    assert membership_of(alice.pk, globex.owner.pk) == world.owner
    Membership.objects.filter(pk=second.pk).update(is_active=False)
    assert membership_of(alice.pk, second.pk) == world.owner
    type(world.tenant).objects.filter(pk=world.tenant.pk).update(is_active=False)
    assert membership_of(alice.pk) is None

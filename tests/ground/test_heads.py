"""Heads of the chain are written out every hour, so that cutting off its end is noticed."""

import json
import stat
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from supportdesk.core import heads, jobs
from supportdesk.core.events import record, stamp
from supportdesk.core.models import ChainHead, Event, Job
from supportdesk.core.tenancy import acting_for
from tests.conftest import Settings
from tests.factories import World

pytestmark = pytest.mark.reliability(68, "exported heads")


@pytest.fixture
def place(settings: Settings, tmp_path: Path, db: None) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path / "heads"


def grow(count: int = 3) -> list[Event]:
    made = [record("ticket.routed", queue=n) for n in range(count)]
    while stamp():
        pass
    return made


def verify() -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("verify_audit", stdout=out)
    except SystemExit as error:
        return int(str(error.code)), out.getvalue()
    return 0, out.getvalue()


def cut_off_after(world: World, event: Event) -> None:
    """What somebody does who owns the database: the end goes, and the chain's head is set to fit."""
    event.refresh_from_db()
    Event.objects.filter(tenant=world.tenant, position__gt=event.position).delete()
    ChainHead.objects.filter(tenant=world.tenant).update(position=event.position, hash=event.hash)


def test_each_workspace_is_written_down_once_an_hour(world: World, globex: World, place: Path):
    grow()
    with acting_for(globex.tenant):
        grow(1)
    assert heads.export_due() == 2
    assert heads.export_due() == 0
    jobs.run_due()
    assert heads.export_due() == 0
    for tenant, position in ((world.tenant, 3), (globex.tenant, 1)):
        (line,) = (place / f"{tenant.slug}.jsonl").read_text().splitlines()
        assert json.loads(line)["position"] == position
    assert stat.S_IMODE((place / "acme.jsonl").stat().st_mode) == 0o600
    Job.objects.update(run_at=timezone.now() - timedelta(hours=1))
    assert heads.export_due() == 2


def test_an_end_that_was_cut_off_is_noticed(world: World, place: Path):
    events = grow(5)
    heads.export_head()
    assert verify() == (0, "acme: holds\n")
    cut_off_after(world, events[2])
    code, said = verify()
    assert code == 1
    assert "the chain ends at 3, but reached 5 at" in said


def test_an_end_that_was_grown_again_is_noticed(world: World, place: Path):
    events = grow(5)
    heads.export_head()
    cut_off_after(world, events[2])
    grow(4)
    code, said = verify()
    assert code == 1
    assert "position 5 is not the event it was at" in said


@pytest.mark.parametrize("change", [{"position": 2}, {"hash": "0" * 64}, {"tenant": "globex"}, {"signature": "0" * 64}, {"more": 1}])
def test_a_line_that_was_written_by_somebody_else_is_named(world: World, place: Path, change: dict[str, object]):
    grow()
    heads.export_head()
    path = place / "acme.jsonl"
    path.write_text(json.dumps(json.loads(path.read_text()) | change) + "\n")
    assert verify() == (1, "acme: exported heads: line 1 is not one we signed\n")
    path.write_text("rubbish\n[]\n")
    assert "line 2 is not one we signed" in verify()[1]


def test_a_line_signed_with_the_key_before_still_counts(world: World, place: Path, settings: Settings):
    grow()
    heads.export_head()
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another"
    heads.export_head()
    assert verify()[0] == 0
    settings.SECRET_KEY_FALLBACKS = []
    assert "line 1 is not one we signed" in verify()[1]


def test_a_workspace_of_the_same_name_begins_its_own(world: World, place: Path):
    grow(5)
    heads.export_head()
    Event.objects.all().delete()
    ChainHead.objects.all().delete()
    world.tenant.created_at = timezone.now()
    world.tenant.save(update_fields=["created_at"])
    with acting_for(world.tenant):
        grow(1)
    assert verify()[0] == 0

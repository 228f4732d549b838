"""Files come in bounded and go out as downloads, to teammates who may see the ticket."""

import pytest
from django.test import Client

from supportdesk.core.events import Actor
from supportdesk.core.models import Membership, Role
from supportdesk.core.tenancy import acting_for
from tests.factories import World, make_member, make_ticket, make_world
from tickets.errors import Unacceptable
from tickets.files import attach, safe_name
from tickets.models import Attachment

CUSTOMER = Actor("customer", 1)
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64


@pytest.fixture
def picture(world: World) -> Attachment:
    return attach(ticket=make_ticket(world), name="pole.png", content=PNG, by=CUSTOMER)


def got(client: Client, member: Membership, attachment: Attachment):
    client.force_login(member.user)
    return client.get(f"/files/{attachment.public_id}/")


def test_the_type_is_read_from_the_content_not_the_name(world: World):
    liar = attach(ticket=make_ticket(world), name="photo.png", content=b"<html><script>1</script></html>", by=CUSTOMER)
    assert liar.content_type == "application/octet-stream"


@pytest.mark.parametrize(("content", "said"), [(b"", "empty"), (b"x" * 101, "too large")])
def test_an_empty_or_large_file_is_refused_and_nothing_is_stored(world: World, settings, content: bytes, said: str):
    settings.ATTACHMENT_MAX_BYTES = 100
    with pytest.raises(Unacceptable, match=said):
        attach(ticket=make_ticket(world), name="a.bin", content=content, by=CUSTOMER)
    assert not Attachment.objects.exists()


def test_a_file_goes_out_as_a_download_that_can_run_nothing(picture: Attachment, world: World, client: Client):  # reliability 44
    answer = got(client, make_member(world.tenant, Role.SUPERVISOR, name="Sue Storm"), picture)
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content) == PNG
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]


def test_another_workspaces_file_does_not_exist(picture: Attachment, client: Client):
    globex = make_world("globex", owner="Charlie Cole")
    with acting_for(globex.tenant):
        stranger = make_member(globex.tenant, Role.SUPERVISOR, name="Carol Cox")
    assert got(client, stranger, picture).status_code == 404


def test_nobody_signed_in_is_sent_to_sign_in(picture: Attachment, client: Client):
    assert client.get(f"/files/{picture.public_id}/").status_code == 302


@pytest.mark.parametrize(
    ("given", "kept"), [("../../etc/passwd", "passwd"), ("C:\\temp\\a.txt", "a.txt"), ("in\u202egnp.exe", "ingnp.exe"), ("\x00", "file")]
)
def test_a_files_name_cannot_lead_anywhere(given: str, kept: str):
    assert safe_name(given) == kept

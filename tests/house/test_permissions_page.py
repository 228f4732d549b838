"""The page on permissions is the table's own."""

from supportdesk.core.permission_page import page
from supportdesk.core.permissions import PERMISSIONS, SENTENCES
from tests.house.tracked import ROOT


def test_the_page_on_permissions_is_what_the_table_says():
    assert (ROOT / "docs/permissions.md").read_text() == page(), "run manage.py permissions_page"


def test_every_verb_has_its_sentence():
    assert list(SENTENCES) == list(PERMISSIONS)
    assert [name for name, said in SENTENCES.items() if not said.endswith(".") or len(said) < 15] == []

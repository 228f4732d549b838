"""Form fields for what is stored as JSON and written as text."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget


class NamesField(forms.CharField):
    """A list of names parted by commas."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        """Stored names as text."""
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """The typed names, each once."""
        return list(dict.fromkeys(part.strip() for part in str(value or "").split(",") if part.strip()))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether other names were typed."""
        return bool(self.to_python(data) != (initial or []))

"""Fields that hold several values, typed into one field of a page or sent as a list to the JSON API."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from budgets.scope import TAG_SEPARATOR

LONGEST_PART = 255
"""The key of a tag has at most 255 characters, its value too (OUTSCALE "Tags")."""

LARGEST_PERCENT = 1000

_SIGN = re.compile(r"(?<=[0-9])\s*%")


class KnownField(forms.MultipleChoiceField):
    """Some of the values that are known, each once; what is refused is told those that there are."""

    widget = forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"})

    def offer(self, known: Mapping[str, str]) -> None:
        """Let these values be chosen, which have names."""
        self.choices = list(known.items())

    def clean(self, value: Any) -> list[str]:
        """Return the values in the order in which they are offered."""
        chosen = set(super().clean(value))
        return [known for known, _name in self.choices if known in chosen]

    def validate(self, value: list[str]) -> None:
        """Refuse what is not known."""
        known = {one for one, _name in self.choices}
        for one in value:
            if one not in known:
                problem = _("“%(value)s” is not known here. There are: %(known)s.")
                params = {"value": one[:64], "known": ", ".join(sorted(known))}
                raise forms.ValidationError(problem, params=params)


class ListField(forms.Field):
    """Several texts, each once; typed text is parted at ``separator`` and joined again with ``joint``."""

    separator = re.compile(r"[\s,;]+")
    joint = ", "

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        """Allow at most so many values."""
        super().__init__(required=False, **kwargs)
        self.most = most

    def to_python(self, value: Any) -> list[Any]:
        """Return the values, each once."""
        texts = self.separator.split(value) if isinstance(value, str) else value or []
        return list(dict.fromkeys(self.one_of(text) for text in texts if text != ""))

    def one_of(self, text: Any) -> Any:
        """Return a value from its text; raise ``ValidationError`` when it is none."""
        raise NotImplementedError

    def validate(self, value: list[Any]) -> None:
        """Refuse too many values."""
        if len(value) > self.most:
            raise forms.ValidationError(_("At most %(most)s at once."), params={"most": self.most})

    def prepare_value(self, value: Any) -> Any:
        """Return the text that stands in the field; what was typed stays as it is."""
        return self.joint.join(map(str, value)) if isinstance(value, list) else value


class PercentsField(ListField):
    """Whole percentages, smallest first."""

    def to_python(self, value: Any) -> list[int]:
        """Return the percentages in order; a sign may stand after each, with a space as the French do."""
        return sorted(super().to_python(_SIGN.sub(" ", value) if isinstance(value, str) else value))

    def one_of(self, text: Any) -> int:
        """Return a percentage."""
        percent = int(text) if isinstance(text, str) and re.fullmatch("[0-9]{1,4}", text) else text
        if type(percent) is not int or not 1 <= percent <= LARGEST_PERCENT:  # a bool is an int, too
            problem = _("“%(value)s” is no whole percentage between 1 and %(most)s.")
            params = {"value": str(text)[:64], "most": LARGEST_PERCENT}
            raise forms.ValidationError(problem, params=params)
        return percent


class EmailsField(ListField):
    """Email addresses."""

    widget = forms.Textarea(attrs={"rows": 2})

    def one_of(self, text: str) -> str:
        """Return an address."""
        try:
            validate_email(text)
        except forms.ValidationError:
            problem = _("“%(value)s” is no email address.")
            raise forms.ValidationError(problem, params={"value": text[:64]}) from None
        return text


class TagsField(ListField):
    """Tags, as ``key=value``, each on a line of its own."""

    widget = forms.Textarea(attrs={"rows": 3, "placeholder": "env=production"})
    separator = re.compile(r"[\r\n]+")
    joint = "\n"

    def to_python(self, value: Any) -> list[str]:
        """Return the tags; a line with nothing on it does not count."""
        return [tag for tag in super().to_python(value) if tag]

    def one_of(self, text: str) -> str:
        """Return a tag without spaces around its key and its value."""
        key, separator, tag_value = (part.strip() for part in text.partition(TAG_SEPARATOR))
        if not (key or separator):
            return ""
        if not (key and separator):
            problem = _("“%(value)s” is no tag: write its key, an equals sign and its value.")
            raise forms.ValidationError(problem, params={"value": text[:64]})
        if max(len(key), len(tag_value)) > LONGEST_PART or not (key + tag_value).isprintable():
            raise forms.ValidationError(_("No tag is called “%(value)s”."), params={"value": text[:64]})
        return f"{key}{TAG_SEPARATOR}{tag_value}"

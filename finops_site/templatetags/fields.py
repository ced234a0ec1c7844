"""The tag that draws the control of a form field in the portal's dress (see ``components/_field.html``)."""

from django import template
from django.forms import BoundField, CheckboxInput, RadioSelect, Select, SelectMultiple, Widget
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def control(field: BoundField) -> SafeString:
    """Draw the control of ``field``, marked when its value was refused."""
    widget = field.field.widget
    classes = [_dress_of(widget), widget.attrs.get("class", ""), "is-invalid" if field.errors else ""]
    return field.as_widget(attrs={"class": " ".join(filter(None, classes))})


def _dress_of(widget: Widget) -> str:
    if isinstance(widget, CheckboxInput | RadioSelect):
        return "form-check-input"
    if isinstance(widget, Select | SelectMultiple):
        return "form-select"
    return "form-control"

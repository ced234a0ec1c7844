"""What the components of every page promise."""

from bs4 import BeautifulSoup
from django import forms
from django.core.paginator import Paginator
from django.http import QueryDict
from django.template.loader import render_to_string


class NameForm(forms.Form):
    name = forms.CharField(label="Name", help_text="As on the invoice", max_length=10)
    size = forms.ChoiceField(label="Size", choices=[("s", "Small")], required=False)
    agree = forms.BooleanField(label="Agree", required=False)


def render(component, **context):
    return BeautifulSoup(render_to_string(f"components/{component}", context), "html.parser")


def test_a_refused_field_has_its_error_beside_it_and_says_so_to_screen_readers():
    part = render("_field.html", field=NameForm({"name": "much too long a name"})["name"])
    described_by = part.input["aria-describedby"].split()
    assert part.label["for"] == part.input["id"]
    assert part.input["aria-invalid"] == "true"
    assert [part.find(id=one).get_text(strip=True) for one in described_by] == [
        "As on the invoice",
        "Ensure this value has at most 10 characters (it has 20).",
    ]


def test_a_field_is_dressed_by_its_kind():
    form = NameForm()
    assert render("_field.html", field=form["name"]).input["class"] == ["form-control"]
    assert render("_field.html", field=form["size"]).find("select")["class"] == ["form-select"]
    assert render("_field.html", field=form["agree"]).input["class"] == ["form-check-input"]


def test_a_field_keeps_the_classes_of_its_widget():
    form = NameForm()
    form.fields["name"].widget.attrs["class"] = "num"
    assert render("_field.html", field=form["name"]).input["class"] == ["form-control", "num"]


def test_a_hidden_label_is_still_read_out():
    label = render("_field.html", field=NameForm()["name"], hide_label=True).label
    assert label.get_text() == "Name"
    assert "visually-hidden" in label["class"]


def test_a_notice_says_what_why_and_what_to_do():
    part = render(
        "_notice.html",
        kind="warn",
        title="The total is incomplete.",
        reasons=["ReadVolumes: refused"],
        action_url="/again/",
        action_label="Read again",
    )
    assert part.strong.get_text() == "The total is incomplete."
    assert [li.get_text() for li in part("li")] == ["ReadVolumes: refused"]
    assert (part.a["href"], part.a.get_text()) == ("/again/", "Read again")
    assert part.svg["aria-hidden"] == "true"


def test_what_a_notice_says_is_text_and_never_markup():
    assert render("_notice.html", kind="bad", title="<b>x</b>").strong.get_text() == "<b>x</b>"


def test_pages_keep_the_other_parameters_of_the_address():
    page = Paginator(range(30), 10).page(2)
    part = render("_pagination.html", page=page, query=QueryDict("search=gp2&page=2"))
    assert [(a["rel"], a["href"]) for a in part("a")] == [
        (["prev"], "?search=gp2&page=1"),
        (["next"], "?search=gp2&page=3"),
    ]
    assert part.span.get_text() == "Page 2 of 3"


def test_a_list_of_one_page_has_no_pagination():
    assert render("_pagination.html", page=Paginator([1], 10).page(1), query=QueryDict()).find() is None

import ast
import io
import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from bs4 import BeautifulSoup
from django.conf import settings
from django.utils import translation
from django.utils.translation.template import templatize

from costs import products
from costs.pricelist import PriceKey
from sandbox.prices import price_list
from sandbox.regions import REGIONS
from tests.costs.pricelists import sandbox_price_list
from tests.quotes.factories import make_item, make_quote, set_terms

FRENCH = {"Accept-Language": "fr"}
PACKAGES = ("accounts", "budgets", "consumption", "costs", "finops_site", "quotes")
SAME_ON_PURPOSE = {"Snapshot"}
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd%]")
THIN, SPACE = "\u202f", "\u00a0"

# A space that a line may break at, before or within French punctuation, and a typewriter's apostrophe.
WRONG_TYPOGRAPHY = re.compile(r" (?:[:;!?»]|%(?!\())|« |\w'\w")

# What gives a number or an address to a program; the rest of a page is read by people.
FOR_PROGRAMS = {
    "value",
    "min",
    "max",
    "step",
    "id",
    "for",
    "name",
    "href",
    "action",
    "formaction",
    "datetime",
}

_GETTEXT = {"gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3)}
KEYWORDS = _GETTEXT | {f"{name}_lazy": places for name, places in _GETTEXT.items()} | {"_": None}


@pytest.fixture(autouse=True)
def english_around():
    """Begin each test in English and put back what was: a page answered in French leaves its thread so."""
    with translation.override("en"):
        yield


def extracted(source):
    """Return the messages of Python source as (context, message or plural pair)."""
    found = extract("python", io.BytesIO(source.encode()), keywords=KEYWORDS, options={"encoding": "utf-8"})
    return {(context, message) for _line, message, _comments, context in found}


def messages_of_the_sources():
    """Return every message of the product: what makemessages finds, without its programs and files."""
    messages = set()
    for package in PACKAGES:
        for path in Path(settings.BASE_DIR, package).rglob("*.py"):
            messages |= extracted(path.read_text())
    for path in Path(settings.BASE_DIR, "templates").rglob("*.html"):
        # In brackets, because the indentation of a page is none of Python's.
        messages |= extracted(f"(\n{templatize(path.read_text())}\n)")
    return messages


def french_texts():
    with Path(settings.BASE_DIR, "locale/fr/LC_MESSAGES/django.po").open("rb") as file:
        return read_po(file, locale="fr")


def texts_of(message):
    return message.string if isinstance(message.string, tuple) else (message.string,)


def soup(response):
    assert response.status_code == 200
    return BeautifulSoup(response.content, "html.parser")


@pytest.fixture
def french_quote(logged_in):
    """The page of a quote in French, with a quantity and amounts above a thousand."""
    quote = make_quote(name="Migration", owner=logged_in.get("/").wsgi_request.user)
    make_item(quote, quantity=2026)
    size = {"volume_type": "io1", "size_gib": 50_000, "iops": 5_000}
    volume = make_item(quote, resource_type="volume", parameters=size)
    set_terms(quote, duration=3, duration_unit="years", commitment_period="1year", global_discount_percent=12)
    return logged_in.get(f"/quotes/{quote.pk}/items/{volume.pk}/", headers=FRENCH), quote


def test_every_text_of_the_product_has_a_french_one():
    french = french_texts()
    left = []
    for context, message in sorted(messages_of_the_sources(), key=str):
        known = french.get(message, context)
        if known is None or known.fuzzy or not all(texts_of(known)):
            left.append(message)
    assert left == [], "run makemessages as locale/fr/LC_MESSAGES/django.po says, and translate these"


def test_the_texts_are_found_without_the_programs_of_gettext():
    found = messages_of_the_sources()
    assert {
        ("bandwidth", "%(number)s Gbps"),
        (None, ("%(number)s hour", "%(number)s hours")),
        (None, ("%(number)s item", "%(number)s items")),
        (None, "Delete “%(name)s”?"),
        (None, "per GiB-month"),
    } <= found


def test_gettext_is_called_by_a_name_that_makemessages_knows():
    unknown = []
    for package in PACKAGES:
        for path in Path(settings.BASE_DIR, package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
                    unknown += [
                        (path.name, name.asname) for name in node.names if name.asname not in (None, "_")
                    ]
    assert unknown == []


def test_each_french_text_has_the_placeholders_of_the_english_one():
    different = []
    for message in french_texts():
        plural = isinstance(message.id, tuple)
        for english, french in zip(message.id if plural else (message.id,), texts_of(message), strict=True):
            if message.id and Counter(PLACEHOLDER.findall(english)) != Counter(PLACEHOLDER.findall(french)):
                different.append(french)
    assert different == []


def test_the_punctuation_is_french():
    texts = [text for message in french_texts() if message.id for text in texts_of(message)]
    assert [text for text in texts if WRONG_TYPOGRAPHY.search(text)] == []


def test_every_product_has_a_french_name():
    keys = {PriceKey(*key) for region in REGIONS for key in price_list(region)}
    keys |= {product.key for product in products.without_price(sandbox_price_list())}
    english = {key: products.name(key) for key in keys}
    with translation.override("fr"):
        same = {name for key, name in english.items() if products.name(key) == name}
        assert products.name(PriceKey("TinaOS-FCU", "CustomCore:v7-p2", "RunInstances-OD")) == (
            "vCore, génération 7, performance élevée"
        )
    # A volume's name begins with its type in both languages: "Volume gp2 (performance)".
    assert {name for name in same if not name.startswith("Volume ")} == SAME_ON_PURPOSE


def test_the_catalog_is_in_french(client, db, outscale):
    assert client.get("/catalog/fresh/", {"region": "eu-west-2"}, headers=FRENCH).status_code in (200, 302)
    page = soup(client.get("/catalog/", {"search": "DirectLink"}, headers=FRENCH))
    assert page.html["lang"] == "fr"
    assert page.h1.text == "Catalogue des tarifs"
    text = page.select_one("#prices").get_text()
    assert f"Port DirectLink, 10{SPACE}Gbit/s" in text
    assert f"2{THIN}800,00{SPACE}€" in text
    assert "par mois" in text


def test_the_login_page_and_its_errors_are_in_french(client, db, outscale):
    assert soup(client.get("/login/", headers=FRENCH)).html["lang"] == "fr"
    keys = {"access_key": "A" * 20, "secret_key": "é", "region": "eu-west-2"}
    refused = BeautifulSoup(client.post("/login/", keys, headers=FRENCH).content, "html.parser")
    assert refused.html["lang"] == "fr"
    assert "ni espace, ni accent" in refused.select_one("#id_secret_key_error").text


def test_a_quote_is_in_french_with_french_amounts(french_quote):
    page = soup(french_quote[0])
    assert page.html["lang"] == "fr"
    totals = page.select_one("#totals").get_text(" ", strip=True)
    assert f"Total pour 3{SPACE}ans" in totals
    assert f"Engagement de 1{SPACE}an" in totals
    assert re.search(rf"\b235{THIN}800,00{SPACE}€", page.select_one("#sections").text)
    assert f"2{THIN}026" in page.select_one("#sections").text


def test_numbers_for_programs_stay_as_programs_write_them(french_quote):
    page = soup(french_quote[0])
    numbers = {field["name"]: field["value"] for field in page.select("input[type=number][value]")}
    assert {"size_gib": "50000", "iops": "5000", "duration": "3"}.items() <= numbers.items()
    assert [number for number in numbers.values() if not re.fullmatch(r"\d+(\.\d+)?", number)] == []
    written = [
        (tag.name, name, value)
        for tag in page.find_all(True)
        for name, value in tag.attrs.items()
        if name in FOR_PROGRAMS or name.startswith(("hx-", "data-"))
        if isinstance(value, str) and (THIN in value or SPACE in value)
    ]
    assert written == []


def test_a_discount_is_written_and_read_with_a_comma(logged_in, french_quote):
    quote = french_quote[1]
    terms = {"duration": "1", "duration_unit": "years", "global_discount_percent": "12,5"}
    logged_in.post(f"/quotes/{quote.pk}/terms/", terms, headers=FRENCH)
    page = soup(logged_in.get(f"/quotes/{quote.pk}/", headers=FRENCH))
    field = page.select_one("[name=global_discount_percent]")
    assert (field["type"], field["value"]) == ("text", "12,5")
    assert f"12,5{SPACE}%" in page.select_one("#totals").text


def test_the_language_is_switched_by_a_plain_form_and_kept(client, db, outscale):
    form = soup(client.get("/login/")).select_one("form[action='/language/']")
    answer = {field["name"]: field["value"] for field in form.select("input[type=hidden]")}
    button = form.select_one("button[name=language]")
    assert (button["value"], button["lang"], button["aria-label"]) == ("fr", "fr", "Français")
    assert client.post("/language/", {**answer, "language": "fr"}).headers["Location"] == "/login/"
    assert soup(client.get("/login/")).html["lang"] == "fr"

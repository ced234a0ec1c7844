"""The drift as a file, in every format: the same lines, sums and reasons as on the page."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal

import msgspec
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consumption.drift import Drift, Group, Sums
from consumption.driftasking import Answer
from consumption.driftdocuments import document_of, table_of
from consumption.driftkinds import kind_name
from consumption.driftlines import all_lines
from consumption.drifttext import apart_name, cause_text, days_sentence, lacks_of
from costs import costfiles, products
from costs.exports import Table, markdown_text, one_line, text_table, without_markup
from costs.fileformats import FileFormat, table_formats
from costs.money import show_money, show_percent


def _json(answer: Answer) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document_of(answer)), indent=2)


FORMATS: dict[str, FileFormat] = table_formats(table_of, title=gettext_lazy("Drift")) | {
    "json": replace(costfiles.FORMATS["json"], write=_json)
}
"""Every format by the name that address, API and command use; ``write`` takes an answer."""


# --- As a text for people


def _human(answer: Answer) -> bytes:
    return _text_of(answer, text_table, one_line, heading="").encode()


def _markdown(answer: Answer) -> bytes:
    return _text_of(answer, markdown_text, without_markup, heading="## ").encode()


def _text_of(
    answer: Answer, table: Callable[[Table], str], written: Callable[[str], str], *, heading: str
) -> str:
    drift = answer.drift
    said = "\n".join(f"- {written(sentence)}" for sentence in lacks_of(answer))
    blocks = [
        (_("Drift"), table(_facts(answer))),
        (_("Not everything is compared."), said),
        (_("By category"), table(_groups(answer, _("Category"), drift.by_category, products.category_name))),
        (_("By kind of resource"), table(_groups(answer, _("Kind"), drift.by_kind, kind_name))),
        (_("By resource"), table(_lines(answer))),
        (_("Not compared"), table(_apart(answer)) if drift.apart else ""),
    ]
    return "\n\n".join(f"{heading}{title}\n\n{text}".rstrip() for title, text in blocks if text) + "\n"


def _facts(answer: Answer) -> Table:
    drift = answer.drift
    first, last = drift.period.first.isoformat(), drift.period.last.isoformat()
    rows = [
        [_("Days"), _("%(first)s to %(last)s, both included (UTC)") % {"first": first, "last": last}],
        [_("Days compared"), days_sentence(drift)],
        [_("Expected"), _money(drift.total.estimated, drift)],
        [_("Consumed of it"), _money(drift.total.consumed, drift)],
        [_("Difference"), f"{_money(drift.total.difference, drift)} {_percent(drift.total)}".strip()],
        [_("Consumed in all"), _money(drift.consumed_whole, drift)],
    ]
    return Table((_("Total, tax excluded"), _("Value")), rows)


def _groups(answer: Answer, word: str, groups: Iterable[Group], name_of: Callable[[str], str]) -> Table:
    columns = (word, _("Expected"), _("Consumed"), _("Difference"), "%")
    return Table(columns, [[name_of(group.key), *_figures(group.sums, answer.drift)] for group in groups])


def _lines(answer: Answer) -> Table:
    columns = (_("Resource"), _("Name"), _("Expected"), _("Consumed"), _("Difference"), "%", _("Why"))
    drift = answer.drift
    rows = [
        [
            shown.line.resource_id or shown.line.kind,
            shown.name,
            *_figures(shown.line.sums, drift),
            " ".join(shown.texts(drift.currency)),
        ]
        for shown in all_lines(drift)
    ]
    return Table(columns, rows)


def _apart(answer: Answer) -> Table:
    rows = [
        [apart_name(one), _known(one.consumed, answer.drift), cause_text(one)] for one in answer.drift.apart
    ]
    return Table((_("What"), _("Consumed"), _("Why")), rows)


def _figures(sums: Sums, drift: Drift) -> list[str]:
    amounts = [_money(amount, drift) for amount in (sums.estimated, sums.consumed, sums.difference)]
    return [*amounts, _percent(sums)]


def _percent(sums: Sums) -> str:
    return "" if sums.percent is None else show_percent(sums.percent, places=1)


def _money(amount: Decimal, drift: Drift) -> str:
    return show_money(amount, drift.currency)


def _known(amount: Decimal | None, drift: Drift) -> str:
    return "–" if amount is None else _money(amount, drift)


COMMAND_FORMATS = FORMATS | {
    "human": replace(costfiles.FORMATS["human"], write=_human),
    "markdown": replace(costfiles.FORMATS["markdown"], write=_markdown),
}
"""The formats of the command, which people read in a terminal."""

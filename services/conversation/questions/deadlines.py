"""Answers about dates: what is in force when the product goes on the market, and what later."""

import re
from collections.abc import Collection, Iterator

from services.conversation.analysis.findings import Findings
from services.conversation.analysis.verdicts import NormResult
from services.conversation.questions.answers import Answer, build_answer, format_list, label_norm
from services.norms.catalogue import get_catalogue
from services.norms.facts import format_day, join_items, read_day

Entry = tuple[str, NormResult, str]

_YEAR = re.compile(r"(?<!\d)20[2-4]\d(?!\d)")
_MOST_PAST = 8
_VERDICT = {
    "does_not_apply": "does not apply to your product",
    "to_be_checked": "is still to be checked for your product",
}


def answer_deadlines(findings: Findings, question: str, ids: Collection[str]) -> Answer:
    """List the dates of the norms that apply or that are named, or only those in a given year."""
    if ids:
        results = [findings.results[norm_id] for norm_id in ids]
    else:
        results = [*findings.matched, *findings.watched]
    entries = sorted(
        ((date, result, what) for result in results for date, what in result.deadlines),
        key=lambda entry: entry[0],
    )
    years = _YEAR.findall(question)
    marketed = findings.marketed
    if years:
        entries = [entry for entry in entries if entry[0][:4] in years]
        text = _write_years(findings, entries, years)
    else:
        text = _write_dates(entries, marketed, assumed="market_date" in findings.assumed)
        if dateless := [label_norm(result) for result in results if ids and not result.deadlines]:
            text += f"\nMy catalogue names no date for:\n{format_list(dateless)}"
    switches = [] if years or ids else list(_list_switches(findings))
    if switches:
        text += "\nA later market date would change the list:\n" + format_list(switches)
    verdicts = (
        f"{result.norm_id} {_VERDICT[result.status]}."
        for result in results
        if result.status in _VERDICT
    )
    text = "\n".join((text, *verdicts))
    # The question is mostly about the dates that are still to come.
    entries.sort(key=lambda entry: entry[0] <= marketed)
    about = dict.fromkeys(result.norm_id for _, result, _ in entries) or ids
    return build_answer(text, [findings.results[norm_id] for norm_id in about])


def _format_entry(entry: Entry) -> str:
    date, result, what = entry
    return f"{date}: {label_norm(result)}: {what}"


def _write_dates(entries: list[Entry], marketed: str, *, assumed: bool) -> str:
    ground = ", which I assume" if assumed else ""
    opening = f"Your product goes on the market on {marketed}{ground}."
    if not marketed:
        opening = "It is not known when your product goes on the market."
    later = [_format_entry(entry) for entry in entries if entry[0] > marketed]
    past = [_format_entry(entry) for entry in entries if entry[0] <= marketed]
    if not entries:
        return f"{opening} I know of no date for these norms; they are in force."
    parts = [opening]
    coming = f"{'After that comes' if marketed else 'The dates'}:\n{format_list(later)}"
    parts.append(coming if later else "I know of no later date.")
    if past:
        parts.append(f"Already in force by then:\n{format_list(past[-_MOST_PAST:])}")
    return "\n".join(parts)


def _write_years(findings: Findings, entries: list[Entry], years: list[str]) -> str:
    named = " and ".join(dict.fromkeys(years))
    parts = []
    if entries:
        lines = format_list(map(_format_entry, entries))
        parts.append(f"In {named}, for the norms of your product:\n{lines}")
    switches = [line for line in _list_switches(findings) if any(year in line for year in years)]
    if switches:
        parts.append(f"Depending on the market date:\n{format_list(switches)}")
    return "\n".join(parts) or f"For {named} my catalogue names no date for your product."


def _list_switches(findings: Findings) -> Iterator[str]:
    """Say which norms begin or cease to apply with a later market date."""
    marketed = findings.facts.get("market_date", 0)
    dated = [norm for norm in get_catalogue().norms if "market_date" in norm.trigger.list_facts()]
    limits = {
        int(limit)
        for norm in dated
        for leaf in norm.trigger.leaves
        if leaf.fact == "market_date"
        for _, limit in getattr(leaf, "bounds", ())
        if limit > marketed and read_day(limit)
    }
    now = {norm.id for norm in dated if norm.trigger.evaluate(findings.facts)}
    for limit in sorted(limits):
        later = {**findings.facts, "market_date": limit}
        then = {norm.id for norm in dated if norm.trigger.evaluate(later)}
        if then - now:
            instead = f" instead of {join_items(sorted(now - then))}" if now - then else ""
            yield f"from {format_day(limit)}: {join_items(sorted(then - now))} would apply{instead}"
        now = then

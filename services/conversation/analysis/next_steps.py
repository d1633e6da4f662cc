"""Lists what a maker does next: the usual order of work, fitted to the norms that apply.

Which acts ask for a CE marking, provide for notified bodies or want a registration is
taken from the acts themselves; procedures are named in general only, because the exact
one depends on classes that the catalogue does not determine.
"""

from collections.abc import Iterable

from services.conversation.analysis.findings import Findings
from services.norms.facts import join_items

CE_ACTS = frozenset(
    {
        "2014/35/EU", "2014/53/EU", "2014/30/EU", "2011/65/EU", "(EU) 2023/1542", "(EU) 2024/2847",
        "(EU) 2019/882", "2006/42/EC", "(EU) 2023/1230", "2009/48/EC", "(EU) 2025/2509",
        "(EU) 2017/745", "(EU) 2017/746", "(EU) 2016/425", "(EU) 2016/426", "2014/68/EU",
        "2014/34/EU", "2014/32/EU", "(EU) 2023/826", "(EU) 2019/1782", "(EU) 2025/2052",
        "(EU) 2019/2020", "(EU) 2019/2021", "(EU) 2023/1670",
    }
)  # fmt: skip
"""Acts under which a product carries the CE marking (the CRA from 11 December 2027)."""

_CRA = "(EU) 2024/2847"
_CRA_APPLIES = 2027_12_11
NOTIFIED_BODY = frozenset(
    {
        "2014/53/EU", "2006/42/EC", "(EU) 2023/1230", "2009/48/EC", "(EU) 2025/2509",
        "(EU) 2017/745", "(EU) 2017/746", "(EU) 2016/425", "(EU) 2016/426", "2014/68/EU",
        "2014/34/EU", "2014/32/EU", "(EU) 2024/1689",
    }
)  # fmt: skip
"""Acts that may call for a notified body, depending on the class of the product."""

_PRODUCER_OF = {
    "2012/19/EU": "electrical equipment",
    "(EU) 2023/1542": "batteries",
    "(EU) 2025/40": "packaging",
}
_REGISTERED = {
    "(EU) 2019/2015": "the light source in EPREL, the database of energy labels",
    "(EU) 2017/745": "yourself and the device in EUDAMED",
    "(EU) 2017/746": "yourself and the device in EUDAMED",
}
_SCIP = "(EC) 1907/2006"
_MARKS = {
    "2012/19/EU": "the crossed-out bin",
    "(EU) 2023/1542": "the battery labels",
    "(EU) 2019/2015": "the energy label",
    "(EC) 1272/2008": "the hazard labels",
    "(EC) 1935/2004": "the food contact symbol or wording",
}
_AFTERWARDS = {
    "(EU) 2023/988": "keep a responsible person in the EU and report accidents",
    "(EU) 2024/2847": "provide security updates and report exploited vulnerabilities",
    "(EU) 2016/679": "keep the record of data processing up to date",
    "(EU) 2017/745": "run the post-market surveillance of the device",
    "(EU) 2017/746": "run the post-market surveillance of the device",
}


def list_ce_acts(findings: Findings) -> list[str]:
    """List the ids of the matched acts that call for the CE marking, best first."""
    marketed = findings.facts.get("market_date", 0)
    return [
        result.norm_id
        for result in findings.matched
        if result.norm_id in CE_ACTS and (result.norm_id != _CRA or marketed >= _CRA_APPLIES)
    ]


def write_marking(findings: Findings) -> str:
    """Say whether the CE marking is called for."""
    acts = list_ce_acts(findings)
    if acts:
        return "It needs the CE marking."
    if any(result.norm_id in CE_ACTS for result in findings.open):
        return "Whether it needs the CE marking depends on what is still open."
    return "I found no act that calls for the CE marking, so do not affix it."


def list_steps(findings: Findings) -> list[str]:
    """List what to do for this product, in order, as sentences."""
    ids = [result.norm_id for result in findings.matched]
    standards = [result.norm_id for result in findings.matched if result.kind == "standard"]
    acts = list_ce_acts(findings)
    todo = []
    if findings.open:
        count = len(findings.open)
        todo.append(
            f"Settle what is open ({count} {'norm is' if count == 1 else 'norms are'} still to be "
            "checked; ask me what is still open)."
        )
    todo.append("Assess the risks of the product in its intended and foreseeable use.")
    if standards:
        todo.append(
            f"Design and test against the standards that fit, first {join_items(standards[:4])}; "
            "use the editions cited in the Official Journal, which alone give a presumption of "
            "conformity."
        )
    if acts:
        todo.extend(_list_conformity_steps(acts, ids))
    else:
        todo.append(
            "Keep documents on materials, tests and suppliers that show that you meet the norms."
        )
        marks = [*(_MARKS[norm_id] for norm_id in _keep_known(_MARKS, ids)), "its type"]
        todo.append(f"Mark the product with {', '.join(marks)} and your name and address.")
    todo.extend(_list_selling_steps(ids))
    return todo


def _list_conformity_steps(acts: list[str], ids: list[str]) -> list[str]:
    bodies = _keep_known(NOTIFIED_BODY, ids)
    assessment = f"Carry out the conformity assessment of each CE act ({join_items(acts)})"
    if bodies:
        assessment += (
            f"; {join_items(bodies)} may call for a notified body, depending on the class of the "
            "product and on the standards you apply"
        )
    marks = ["the CE marking", *(_MARKS[norm_id] for norm_id in _keep_known(_MARKS, ids))]
    file = (
        "Put together one technical file: description, drawings, parts list, risk assessment, "
        "test reports and instructions."
    )
    return [
        file,
        f"{assessment}.",
        "Sign one EU declaration of conformity that names all these acts.",
        f"Affix {join_items(marks)}, and add the type and your name and address.",
    ]


def _list_selling_steps(ids: list[str]) -> list[str]:
    todo = []
    goods = [_PRODUCER_OF[norm_id] for norm_id in _keep_known(_PRODUCER_OF, ids)]
    register = [f"register {_REGISTERED[norm_id]}" for norm_id in _keep_known(_REGISTERED, ids)]
    if goods:
        where = "in each Member State of sale"
        register.insert(0, f"register as a producer of {join_items(goods)} {where}")
    if register:
        todo.append(f"Before you sell: {'; '.join(dict.fromkeys(register))}.")
    if _SCIP in ids:
        todo.append(
            "Ask your suppliers about substances of very high concern; above 0.1 % of an article, "
            "tell your customers and notify the SCIP database."
        )
    todo.append(
        "Add instructions and safety information in the language of each country, and keep the "
        "file for 10 years unless an act sets another time."
    )
    later = dict.fromkeys(_AFTERWARDS[norm_id] for norm_id in _keep_known(_AFTERWARDS, ids))
    if later:
        todo.append(f"After the launch: {'; '.join(later)}.")
    return todo


def _keep_known(known: Iterable[str], ids: list[str]) -> list[str]:
    return [norm_id for norm_id in ids if norm_id in known]

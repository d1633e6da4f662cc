"""Laws of the three-valued logic and of implications, over any facts and any condition."""

from contextlib import suppress

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.norms.catalogue import get_catalogue
from services.norms.facts import FACTS, Fact, Facts, Kind, add_implications, is_implied, phrase_fact
from services.norms.logic import ExpressionError, parse

# No deadline: a busy machine is no fault of the code under test.
quick = settings(max_examples=40)


_LIMITS = (0, 0.5, 5, 16, 50, 75, 100, 230, 250, 1000, 1500)
_DAYS = (20260101, 20270119, 20270120, 20281213, 20281214, 20300731, 20300801)
_FLAGS = ("electrical", "radio", "medical", "ivd", "internet")
_NUMBERS = ("v_ac", "pressure_bar")


def _draw_value(fact: Fact) -> st.SearchStrategy[bool | int | float]:
    if fact.kind is Kind.BOOL:
        return st.booleans()
    if fact.kind is Kind.DATE:
        return st.sampled_from(_DAYS)
    return st.sampled_from(_LIMITS) | st.floats(0, 2000) | st.integers(0, 2000)


all_facts = st.fixed_dictionaries({name: _draw_value(fact) for name, fact in FACTS.items()})
some_facts = st.fixed_dictionaries({}, optional={n: _draw_value(fact) for n, fact in FACTS.items()})
few_facts = st.fixed_dictionaries(
    {}, optional={name: _draw_value(FACTS[name]) for name in (*_FLAGS, *_NUMBERS)}
)


@st.composite
def draw_comparison(draw: st.DrawFn) -> str:
    """Draw a comparison of a number with one or two limits."""
    name = draw(st.sampled_from(_NUMBERS))
    signs, limits = st.sampled_from(("<", "<=", ">", ">=")), st.sampled_from(_LIMITS)
    text = f"{name} {draw(signs)} {draw(limits)}"
    return f"{draw(limits)} {draw(signs)} {text}" if draw(st.booleans()) else text


conditions = st.recursive(
    st.sampled_from((*_FLAGS, "True", "False")) | draw_comparison(),
    lambda inner: (
        inner.map(lambda text: f"not ({text})")
        | st.lists(inner, min_size=2, max_size=4).map(lambda all_: f"({' and '.join(all_)})")
        | st.lists(inner, min_size=2, max_size=4).map(lambda all_: f"({' or '.join(all_)})")
    ),
    max_leaves=12,
)


@quick
@given(some_facts, all_facts)
def test_learning_facts_never_changes_a_decided_norm(known: Facts, rest: Facts) -> None:
    """A norm that is decided keeps its outcome whatever else becomes known."""
    learnt = {**rest, **known}
    for norm in get_catalogue().norms:
        before = norm.trigger.evaluate(known)
        assert before is None or norm.trigger.evaluate(learnt) is before, norm.id


@given(conditions, few_facts, few_facts)
def test_learning_facts_never_changes_a_decided_condition(
    text: str, known: Facts, more: Facts
) -> None:
    """The same for any condition, also when only some facts are learnt."""
    condition = parse(text)
    before = condition.evaluate(known)
    assert before is None or condition.evaluate({**more, **known}) is before


@quick
@given(some_facts, all_facts, st.data())
def test_open_facts_lead_to_a_decision(known: Facts, rest: Facts, data: st.DataObject) -> None:
    """None are open when decided; each one learnt leaves fewer; all of them learnt decide."""
    for norm in get_catalogue().norms:
        missing = norm.trigger.find_open_facts(known)
        assert bool(missing) is (norm.trigger.evaluate(known) is None), norm.id
        assert missing.isdisjoint(known), norm.id
        if missing:
            everything = {**known, **{name: rest[name] for name in missing}}
            assert norm.trigger.evaluate(everything) is not None, norm.id
            name = data.draw(st.sampled_from(sorted(missing)))
            assert norm.trigger.find_open_facts({**known, name: rest[name]}) < missing, norm.id


@given(conditions, few_facts)
def test_only_open_facts_can_change_an_open_condition(text: str, known: Facts) -> None:
    """Learning any other fact leaves the condition exactly as open as it was."""
    condition = parse(text)
    missing = condition.find_open_facts(known)
    assert bool(missing) is (condition.evaluate(known) is None)
    assert missing <= condition.list_facts() - known.keys()
    for name in {*_FLAGS, *_NUMBERS} - missing - known.keys():
        more = {**known, name: True if name in _FLAGS else 230}
        assert condition.evaluate(more) is condition.evaluate(known)


@given(conditions, st.fixed_dictionaries({n: _draw_value(FACTS[n]) for n in (*_FLAGS, *_NUMBERS)}))
def test_a_condition_means_what_python_means_by_it(text: str, facts: Facts) -> None:
    """With every fact known the outcome is that of the same text in Python."""
    assert parse(text).evaluate(facts) is eval(text, {}, dict(facts))  # noqa: S307 - own text


@given(all_facts)
def test_a_norm_is_decided_once_all_is_known(facts: Facts) -> None:
    """No norm stays open when every fact has a value."""
    assert get_catalogue().list_undecided(facts) == []


@given(conditions, few_facts)
def test_grounds_are_known_and_sufficient(text: str, known: Facts) -> None:
    """A decided condition rests on known facts, and on those alone it is decided the same."""
    condition = parse(text)
    outcome = condition.evaluate(known)
    cited = {leaf.fact for leaf in condition.find_grounds(known)}
    assert cited <= known.keys() | {""}
    reasons = condition.write_reasons(known)
    if outcome is not None:
        assert condition.evaluate({name: known[name] for name in cited - {""}}) is outcome
        assert reasons
        assert all(reasons)


@quick
@given(some_facts)
def test_every_decided_norm_has_reasons(known: Facts) -> None:
    """A decided norm can always say why."""
    for norm in get_catalogue().norms:
        if norm.trigger.evaluate(known) is not None:
            assert norm.trigger.write_reasons(known), norm.id
            assert all(norm.trigger.write_reasons(known)), norm.id


@given(some_facts)
def test_implications_are_closed_and_respect_what_is_given(given_facts: Facts) -> None:
    """Given facts stay as they are, even contradictory ones, and a second pass adds nothing."""
    closed = add_implications(given_facts)
    assert given_facts.items() <= closed.items()
    assert add_implications(closed) == closed
    backwards = dict(reversed(list(given_facts.items())))
    assert add_implications(backwards) == closed


def _is_contradictory(facts: Facts) -> bool:
    known = list(facts.items())
    return any(
        is_implied(name, not value, known)
        if FACTS[name].kind is Kind.BOOL
        else value > 0 and is_implied(name, 0, known)
        for name, value in known
    )


@st.composite
def draw_agreeing_facts(draw: st.DrawFn) -> dict[str, bool | int | float]:
    """Draw facts that do not contradict each other."""
    drawn: dict[str, bool | int | float] = {}
    for name in draw(st.permutations(sorted(FACTS))):
        value = add_implications(drawn).get(name, None)
        drawn[name] = draw(_draw_value(FACTS[name])) if value is None else value
        if _is_contradictory(drawn):
            del drawn[name]
    return drawn


@quick
@given(draw_agreeing_facts(), st.data())
def test_more_facts_never_flip_what_follows(facts: Facts, data: st.DataObject) -> None:
    """What follows from some facts also follows from more, unless they contradict."""
    assume(not _is_contradictory(facts))
    names = data.draw(st.lists(st.sampled_from(sorted(facts)), unique=True))
    part = {name: facts[name] for name in names}
    fewer, more = add_implications(part), add_implications(facts)
    assert fewer.keys() <= more.keys()
    assert all(more[name] == value for name, value in fewer.items())


@given(st.text() | st.text("radio v_ac()<=>0.5andort#\n"))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Odd text raises the one documented error and nothing else."""
    with suppress(ExpressionError):
        parse(text)


@given(st.sampled_from(sorted(FACTS)), st.booleans() | st.integers() | st.floats())
def test_any_value_can_be_said(name: str, value: bool | float) -> None:
    """Odd numbers get words, too."""
    assert phrase_fact(name, value)

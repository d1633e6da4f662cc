"""The operators' page in a real browser: a migration, an outage, and who may watch them."""

import json
import re
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from services.sessions.migration.control import ControlRoom, Report
from services.sessions.migration.stages import Stage
from services.sessions.stores import open_store
from tests.browser.ops_visit import TOKEN, OpsVisit, with_ops
from tests.browser.visit import Visit
from tests.support.http import Http
from tests.support.operator import migrate
from tests.support.servers import ROOT, Gunicorn, RedisServer, eventually
from tests.support.talk import API

STATUS = "**/ops/status"
AT_ONCE = signal.SIGQUIT  # gunicorn then waits for no idle connection of the browser
REFUSED = "ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET"
HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
TITLES = (
    "Sessions",
    "Requests per second",
    "How long requests take",
    "Breaker",
    "Backlog",
    "Comparison of the copies",
)
NOBODY = 7_000_000  # beyond what a process can be numbered
DASH = "\N{EN DASH}"
MARKUP = "<img src=x onerror=alert(1)> & <b>bold</b>"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    """The application over a SQLite file, with the page."""
    database = tmp_path_factory.mktemp("ops") / "sessions.db"
    with with_ops(SESSION_STORE_URL=f"sqlite:///{database}") as server:
        yield server


def talk(site: Gunicorn, count: int = 3) -> None:
    """So many conversations begun, and one looked for that is not there."""
    with Http(site.url) as http:
        for _ in range(count):
            assert http.post(f"{API}/start", {"initial_input": "A lamp"}).status == 200
        assert http.get(f"{API}/session/123e4567-e89b-42d3-a456-426614174000").status == 404


def answer_with(route: Route, status: int, body: Any, **headers: str) -> None:
    """Answer in the server's place."""
    route.fulfill(
        status=status, body=json.dumps(body), headers=headers, content_type="application/json"
    )


def test_without_a_token_set_there_is_no_page(chromium: Browser, sqlite_site: Gunicorn) -> None:
    """A person is told so as at any unknown address."""
    with Visit(chromium, sqlite_site) as visit:
        visit.expect_complaints("404")
        found = visit.page.goto(f"{sqlite_site.url}/ops")
        assert found is not None
        assert found.status == 404
        expect(visit.page.get_by_text("There is nothing at this address")).to_be_visible()


def test_a_wrong_token_is_told_and_the_right_one_opens(chromium: Browser, site: Gunicorn) -> None:
    """Nothing is shown before; what was typed wrong is not kept, what was right is in this tab."""
    with OpsVisit(chromium, site) as visit:
        visit.expect_complaints("401")
        expect(visit.page.locator("#board")).to_be_hidden()
        field = visit.page.get_by_label("The operators' token")
        expect(field).to_have_attribute("autocomplete", "current-password")
        visit.enter("not the token at all")
        expect(visit.gate.get_by_role("alert")).to_contain_text("This is not the token")
        expect(field).to_be_focused()
        expect(field).to_have_attribute("aria-invalid", "true")
        visit.shot("ops-1-wrong-token")
        visit.enter("café")
        expect(visit.gate.get_by_role("alert")).to_contain_text("This is not the token")
        assert visit.page.evaluate("Object.keys(sessionStorage)") == []
        visit.watch()
        expect(visit.gate).to_be_hidden()
        assert visit.page.evaluate("sessionStorage.getItem('ops.token')") == TOKEN
        assert visit.page.evaluate("localStorage.length + document.cookie.length") == 0
        assert TOKEN not in visit.page.url


def test_the_token_is_forgotten_when_asked(chromium: Browser, site: Gunicorn) -> None:
    """With everything that was shown; another tab never had it."""
    with OpsVisit(chromium, site) as visit:
        visit.watch()
        with OpsVisit(chromium, site, beside=visit) as other:
            expect(other.gate).to_be_visible()
        visit.button("Forget the token").click()
        expect(visit.gate).to_be_visible()
        expect(visit.page.locator("#board")).to_be_hidden()
        visit.reload()
        expect(visit.gate).to_be_visible()
        assert visit.page.evaluate("sessionStorage.length") == 0


def test_a_token_that_is_good_no_more_is_asked_for_again(chromium: Browser, site: Gunicorn) -> None:
    """The operators have set another one while the page was open."""
    with OpsVisit(chromium, site) as visit:
        visit.expect_complaints("401")
        visit.watch()
        visit.page.evaluate("sessionStorage.setItem('ops.token', 'an-earlier-token-of-theirs')")
        visit.page.reload()
        expect(visit.gate.get_by_role("alert")).to_contain_text("This is not the token")
        assert visit.page.evaluate("sessionStorage.length") == 0


def test_charts_get_points_and_keep_them_over_a_reload(chromium: Browser, site: Gunicorn) -> None:
    """Each with its title, its value in words, and a summary for who does not see it."""
    with OpsVisit(chromium, site) as visit:
        visit.page.clock.install()
        visit.watch()
        talk(site)
        requests = visit.chart("Requests per second")
        expect(requests.locator(".range").first).to_have_text(re.compile(r"to [1-9]|to 0\.[1-9]"))
        expect(visit.chart("How long requests take").locator(".range").first).to_contain_text("ms")
        expect(visit.chart("Sessions").locator(".now").first).to_have_text("3")
        visit.collect(3)
        for title in TITLES:
            drawing = visit.chart(title).get_by_role("img")
            expect(drawing).to_have_attribute("aria-label", re.compile(f"^{title}, the last 2 min"))
            path = drawing.locator(".line").first.get_attribute("d") or ""
            assert path.startswith("M"), title
        before = visit.points()
        visit.reload()
        assert visit.points() >= before
        visit.collect(before + 1)


def test_a_migration_is_seen_from_its_begin_to_its_end_and_back(
    chromium: Browser, lasting_redis: RedisServer
) -> None:
    """Every step of the real commands, without a reload; who lags is told in words."""
    site = with_ops(REDIS_URL=lasting_redis.url)
    environment = site.environment
    assert migrate(environment, "begin")["exit"] == 0
    with site, OpsVisit(chromium, site, width=1200) as visit:
        visit.watch()
        talk(site)
        visit.page.evaluate("window.sameLoad = true")
        expect(visit.step).to_have_text("off")
        expect(visit.fact("Reads")).to_have_text("memory, on a miss redis")
        for stage in list(Stage)[1:]:
            expect(visit.next_step).to_have_text(
                f"The step to {stage} is allowed: flask migration advance"
            )
            assert migrate(environment, "advance")["exit"] == 0
            expect(visit.step).to_have_text(stage.value)
            expect(visit.rows.locator("td").nth(2)).to_have_text("follows")
            if stage is Stage.SHADOW:
                assert migrate(environment, "compare")["exit"] == 0
                expect(visit.rows.locator("[data-name=Lag]")).to_have_text("0 of 3")
                lag_behind(lasting_redis)
                expect(visit.rows.filter(has_text=f"process {NOBODY}")).to_contain_text(
                    "behind, shadow is wanted"
                )
                expect(visit.next_step).to_have_text("The step to live is not allowed now:")
                expect(visit.page.locator("#reasons")).to_contain_text("serves off, not shadow")
                visit.shot("ops-2-shadow")
                expect(visit.rows).to_have_count(1)
        expect(visit.fact("Writes")).to_have_text("redis")
        assert migrate(environment, "rollback")["exit"] == 0
        expect(visit.step).to_have_text("rampdown")
        expect(visit.fact("Watch")).to_have_text("the number of 404 responses does not rise.")
        assert visit.page.evaluate("window.sameLoad")
        marks = visit.chart("Sessions").locator(".mark").get_attribute("d") or ""
        assert marks.count("M") == len(Stage)
        visit.shot("ops-3-rampdown")


def lag_behind(redis: RedisServer) -> None:
    """One report of a worker that is still in off, and then silence."""
    engine = open_store(redis.url)
    ControlRoom(engine).report(
        Report("7" * 16, "a-name-of-a-host", NOBODY, "off", at=int(time.time() * 1000))
    )
    engine.close()


def test_an_outage_is_seen_and_outlived(chromium: Browser, lasting_redis: RedisServer) -> None:
    """The page says that Redis does not answer, shows the breaker open, and goes on by itself."""
    with with_ops(REDIS_URL=lasting_redis.url) as site, OpsVisit(chromium, site) as visit:
        visit.watch()
        breaker = visit.chart("Breaker").locator(".now")
        expect(breaker).to_have_text("closed")
        lasting_redis.stop()
        expect(visit.troubles).to_contain_text("The engine does not answer; unknown until then: ")
        expect(visit.troubles).to_contain_text("Degraded: the breaker of reads")
        expect(breaker).to_have_text(re.compile("open"))
        expect(visit.next_step).to_contain_text("unknown: the engine does not answer")
        expect(visit.page.locator("#no-workers")).to_contain_text("unknown")
        with Http(site.url) as http:
            assert http.post(f"{API}/start", {"initial_input": "A lamp"}).status == 200
        expect(visit.fact("Spill")).to_contain_text("1 wait")
        expect(visit.chart("Sessions").locator(".now").first).to_have_text(DASH)
        expect(visit.old).to_be_empty()
        visit.shot("ops-4-outage")
        lasting_redis.start()
        expect(visit.troubles).to_be_empty()
        expect(breaker).to_have_text("closed")
        expect(visit.chart("Breaker").locator(".range")).to_have_text("at worst open")
        expect(visit.fact("Spill")).to_have_text("empty")
        expect(visit.chart("Sessions").locator(".now").first).to_have_text("1")


def test_a_server_that_is_away_makes_the_numbers_old(chromium: Browser, redis_url: str) -> None:
    """It is told since when; the page goes on as soon as the server is back."""
    with with_ops(REDIS_URL=redis_url) as site, OpsVisit(chromium, site) as visit:
        visit.expect_complaints(REFUSED)
        visit.watch()
        site.stop(AT_ONCE)
        expect(visit.old).to_contain_text("These numbers are old: they are of ")
        expect(visit.old).to_contain_text("cannot be reached")
        expect(visit.step).to_have_text("complete")
        site.start()
        expect(visit.old).to_be_empty()
        expect(visit.page.locator("#age")).to_contain_text("As of ")


@pytest.mark.parametrize("status", [429, 503])
def test_it_comes_back_when_it_is_told_to(chromium: Browser, site: Gunicorn, status: int) -> None:
    """Not before Retry-After is over, and then by itself."""
    refusal = {"error": "Please wait a little.", "code": "rate_limited", "request_id": "1"}
    with OpsVisit(chromium, site) as visit:
        visit.expect_complaints(str(status))
        visit.page.clock.install()
        visit.watch()
        asked: list[str] = []

        def refuse(route: Route) -> None:
            asked.append(route.request.url)
            answer_with(route, status, refusal, **{"Retry-After": "40"})

        visit.page.route(STATUS, refuse)
        visit.page.clock.run_for(3000)
        expect(visit.old).to_contain_text("Please wait a little. The next look is in 40 s.")
        visit.page.clock.run_for(35_000)
        visit.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        assert len(asked) == 1
        visit.page.unroute(STATUS)
        visit.page.clock.run_for(6000)
        expect(visit.old).to_be_empty()


def test_refusals_without_a_time_are_met_with_longer_pauses(
    chromium: Browser, site: Gunicorn
) -> None:
    """Twice as long each time."""
    with OpsVisit(chromium, site) as visit:
        visit.expect_complaints("503")
        visit.page.clock.install()
        visit.watch()
        visit.page.route(STATUS, lambda route: answer_with(route, 503, {"error": "Not now."}))
        for pause in (4, 8, 16, 32, 60, 60):
            visit.page.clock.run_for(pause * 1000)
            expect(visit.old).to_contain_text(f"Not now. The next look is in {pause} s.")


def test_a_hidden_page_does_not_ask(chromium: Browser, site: Gunicorn) -> None:
    """It looks at once when it is shown again."""
    with OpsVisit(chromium, site) as visit:
        visit.page.clock.install()
        visit.watch()
        asked: list[str] = []

        def count(route: Route) -> None:
            asked.append(route.request.url)
            route.continue_()

        visit.page.route(STATUS, count)
        visit.page.evaluate(HIDE, True)
        visit.page.clock.run_for(20_000)
        assert asked == []
        visit.page.evaluate(HIDE, False)
        assert eventually(lambda: visit.page.evaluate("0") == 0 and len(asked) == 1)


def test_what_the_server_says_is_text(chromium: Browser, site: Gunicorn) -> None:
    """Wherever it is shown."""

    def poison(route: Route) -> None:
        found = route.fetch()
        look = found.json()
        look["warnings"] = [MARKUP]
        look["migration"] |= {"begun": True, "next": MARKUP, "hindrances": [MARKUP]}
        look["migration"]["workers"][0] |= {"fault": MARKUP, "host": MARKUP}
        look["sessions"][MARKUP] = 1
        answer_with(route, 200, look)

    with OpsVisit(chromium, site) as visit:
        visit.page.route(STATUS, poison)
        visit.watch()
        expect(visit.troubles).to_contain_text(MARKUP)
        expect(visit.page.locator("#reasons")).to_have_text(MARKUP)
        expect(visit.rows).to_contain_text(MARKUP)
        expect(visit.page.locator("main img, main b")).to_have_count(0)


@pytest.mark.parametrize(("scheme", "width"), [("light", 320), ("dark", 1200)])
def test_everyone_can_use_it(chromium: Browser, site: Gunicorn, scheme: Any, width: int) -> None:
    """axe-core finds no fault, nothing needs sideways scrolling, and all goes by keyboard."""
    with OpsVisit(chromium, site, width=width) as visit:
        visit.expect_complaints("401")
        visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        visit.page.clock.install()
        visit.enter("not the token at all")
        expect(visit.gate.get_by_role("alert")).not_to_be_empty()
        assert visit.violations() == []
        assert not visit.overflows()
        visit.page.keyboard.press("ControlOrMeta+A")
        visit.page.keyboard.type(TOKEN)
        visit.page.keyboard.press("Enter")
        expect(visit.page.locator("#board-title")).to_be_focused()
        visit.collect(3)
        expect(visit.rows).to_have_count(1)
        assert visit.violations() == []
        assert not visit.overflows()
        visit.shot(f"ops-5-{scheme}-{width}")
        visit.page.keyboard.press("Shift+Tab")
        expect(visit.button("Forget the token")).to_be_focused()
        outline = visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        visit.page.keyboard.press("Enter")
        expect(visit.gate).to_be_visible()


def test_it_says_what_the_runbook_says(chromium: Browser, site: Gunicorn) -> None:
    """Word by word, for every stage that has something to watch."""
    text = (ROOT / "MIGRATION.md").read_text(encoding="utf-8")
    forward = text.partition("## Forward")[2].partition("## How to go back")[0].replace("`", "")
    words = " ".join(forward.split())
    with OpsVisit(chromium, site) as visit:
        found = visit.page.evaluate("async () => (await import('/static/ops/runbook.js')).RUNBOOK")
    assert list(found) == list(Stage)
    for stage, said in found.items():
        assert said["about"] in words, stage
        if said["watch"]:
            assert f"- Watch: {said['watch']} - Go on: {said['goOn']}" in words, stage

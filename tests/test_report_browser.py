"""The page of a run in a real browser: silent, offline, legible on a desk and on a phone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_report import HOSTILE, broad_run, hostile_run, published, sample_run

from attribution import write_report

__all__ = ["broad_run", "hostile_run", "sample_run"]
CHROMIUM = next(
    filter(
        None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))
    ),
    None,
)
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
WIDTHS = [1400, 390]
SECTIONS = 14
# Which texts of a chart are cut by its edge, and which lie on each other.
ILLEGIBLE = r"""
() => [...document.querySelectorAll('.chart svg')].flatMap((svg) => {
  const place = svg.closest('.chart').id;
  const edge = svg.getBoundingClientRect();
  const seen = (each) => each.textContent.trim() && getComputedStyle(each).opacity !== '0';
  const texts = [...svg.querySelectorAll('text')].filter(seen).map((each) => ({
    text: each.textContent,
    box: each.getBoundingClientRect(),
    turned: /rotate\((?!0)/.test(each.getAttribute('transform') || ''),
  }));
  const outside = (box) => box.left < edge.left - 2 || box.right > edge.right + 2
    || box.top < edge.top - 2 || box.bottom > edge.bottom + 2;
  const shared = (one, other, low, high) => Math.min(one[high], other[high]) - Math.max(one[low], other[low]);
  const level = texts.filter(({ turned }) => !turned);
  return [
    ...texts.filter(({ box }) => outside(box)).map(({ text }) => `${place}: cut: ${text}`),
    ...level.flatMap((one, i) => level.slice(i + 1)
      .filter(({ box }) => shared(one.box, box, 'left', 'right') > 2)
      .filter(({ box }) => shared(one.box, box, 'top', 'bottom') > 4)
      .map((other) => `${place}: on each other: ${one.text} | ${other.text}`)),
  ];
})
"""


class Opened:
    """A page in a browser, and all that it said and asked for."""

    def __init__(self, page: Any, file: Path) -> None:
        self.page = page
        self.said, self.asked, self.answered = list[str](), list[str](), list[str]()
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("response", lambda response: self.answered.append(response.url))
        page.goto(file.as_uri())
        page.wait_for_selector("body[data-ready=yes]", timeout=60_000)

    def marks(self, *keys: str) -> dict[str, str]:
        """Return what charts draw."""
        return {key: str(self.page.inner_html(f"#chart-{key}")) for key in keys}

    def wait_for_change(self, before: dict[str, str]) -> None:
        """Return once each chart draws something else; fail if one does not."""
        for key, drawn in before.items():
            changed = "([key, drawn]) => document.querySelector(`#chart-${key}`).innerHTML !== drawn"
            self.page.wait_for_function(changed, arg=[key, drawn], timeout=10_000)

    def column(self, table: str, name: str) -> list[str]:
        """Return the cells of a column in the rows that are shown."""
        found = self.page.evaluate(
            """([table, name]) => {
                const heads = [...document.querySelectorAll(`#table-${table} thead th`)];
                const place = heads.findIndex((each) => each.querySelector('button').textContent === name);
                return [...document.querySelectorAll(`#table-${table} tbody tr`)].filter((row) => !row.hidden)
                    .map((row) => row.cells[place].dataset.value || row.cells[place].textContent);
            }""",
            [table, name],
        )
        return list(found)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here, in which the page is opened: apt-get install chromium")
    api = pytest.importorskip(
        "playwright.sync_api", reason="playwright drives the browser: pip install playwright"
    )
    with api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield started
        started.close()


@pytest.fixture(scope="module")
def files(
    browser: Any,
    sample_run: Path,
    hostile_run: Path,
    broad_run: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    assert browser.is_connected()
    folder = tmp_path_factory.mktemp("pages")
    runs = {"sample": sample_run, "hostile": hostile_run, "broad": broad_run}
    for name, run in runs.items():
        write_report(run, folder / f"{name}.html")
    return {name: folder / f"{name}.html" for name in runs}


@pytest.fixture(scope="module")
def partial(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a page whose models and channels have odd names, and whose trend knows one model."""
    assert browser.is_connected()
    folder = tmp_path_factory.mktemp("partial") / "job"
    models = [{"name": "linear", "label": "a  b"}, {"name": "last_touch"}]
    trend = [{"file": "monthly.csv", "by": ["channel", "month"], "models": ["last_touch"]}]
    run = published(
        folder, ["two  spaces", "ads"], 60, models=models, outputs={}, intervals=None, breakdowns=trend
    )
    write_report(run, folder / "page.html")
    return folder / "page.html"


@pytest.fixture
def opened(browser: Any, files: dict[str, Path]) -> Iterator[Any]:
    contexts = []

    def open_page(name: str, width: int = 1400) -> Opened:
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, locale="en-US"))
        return Opened(contexts[-1].new_page(), files[name])

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["sample", "broad", "hostile"])
def test_the_page_is_silent_asks_for_nothing_and_is_legible(opened: Any, name: str, width: int) -> None:
    seen = opened(name, width)
    assert not seen.said
    assert seen.asked == [seen.page.url]
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    assert seen.page.locator("section:visible").count() == (SECTIONS if name == "sample" else SECTIONS - 3)
    charts = seen.page.locator(".chart svg")
    assert charts.count() == seen.page.locator("figure").count() >= 9
    for place in range(charts.count()):
        assert charts.nth(place).bounding_box()["width"] <= width
    assert not seen.page.evaluate(ILLEGIBLE)


@pytest.mark.parametrize("width", WIDTHS)
def test_choosing_a_model_an_outcome_and_a_channel_changes_what_is_shown(opened: Any, width: int) -> None:
    seen = opened("sample", width)
    page = seen.page
    before = seen.marks("compare", "kpis-chart", "win-rates")
    costs = seen.column("kpis", "Cost per lead")
    page.locator("select[data-choice=model]").select_option("first_touch")
    seen.wait_for_change(before)
    assert seen.column("kpis", "Cost per lead") != costs
    assert "By first_touch" in page.inner_text("#summary")
    assert "By markov" not in page.inner_text("#summary")
    assert "Model: markov." in page.inner_text("#funnel")  # which knows that model alone
    before = seen.marks("compare", "trend-0")
    page.locator("select[data-choice=outcome]").select_option("wins")
    seen.wait_for_change(before)
    assert page.is_visible("#table-credits-1")
    assert not page.is_visible("#table-credits-0")
    before = seen.marks("trend-0", "funnel-0")
    page.locator("select[data-choice=channel]").select_option("Email")
    seen.wait_for_change(before)
    assert not seen.said


@pytest.mark.parametrize("width", WIDTHS)
def test_a_table_sorts_by_mouse_and_by_keyboard_and_its_total_stays_below(opened: Any, width: int) -> None:
    seen = opened("sample", width)
    page = seen.page
    button = page.locator("#table-kpis thead button", has_text="Cost per lead").first
    button.click()
    assert page.locator("#table-kpis th[aria-sort=descending]").count() == 1
    costs = [float(cell) for cell in seen.column("kpis", "Cost per lead")[:-1] if cell != "–"]
    assert costs == sorted(costs, reverse=True)
    button.focus()
    page.keyboard.press("Enter")
    costs = [float(cell) for cell in seen.column("kpis", "Cost per lead")[:-1] if cell != "–"]
    assert costs == sorted(costs)
    assert seen.column("kpis", "Channel")[-1] == "(total)"
    assert "Sorted by Cost per lead, ascending" in page.text_content("#said")
    page.locator("#table-kpis thead button", has_text="Channel").click()
    names = seen.column("kpis", "Channel")[:-1]
    assert names == sorted(names, key=str.casefold)


def test_hovering_tells_the_numbers(opened: Any) -> None:
    seen = opened("sample")
    seen.page.locator("#chart-kpis-chart path[aria-roledescription=bar]").first.hover()
    seen.page.wait_for_selector("#vg-tooltip-element.visible")
    told = seen.page.inner_text("#vg-tooltip-element")
    assert "Email" in told
    assert "Cost per lead" in told
    assert not seen.said


def test_row_38_hostile_names_do_nothing_in_a_browser(opened: Any) -> None:
    seen = opened("hostile")
    page = seen.page
    assert page.locator("img, iframe, object, embed").count() == 0
    for model in ("first_touch", "markov"):
        page.locator("select[data-choice=model]").select_option(model)
    for name in (HOSTILE[0], HOSTILE[7]):
        assert name in page.inner_text("#table-kpis")
        before = seen.marks("trend-0")
        page.locator("select[data-choice=channel]").select_option(name)
        seen.wait_for_change(before)
    for point in page.locator("#chart-kpis-chart path[aria-roledescription=bar]").all():
        point.hover()
    assert not seen.said
    assert seen.asked == [page.url]


def test_the_policy_stops_what_would_ask_a_host(opened: Any) -> None:
    seen = opened("sample")
    stopped = seen.page.evaluate(
        """() => new Promise((done) => {
            const found = [];
            addEventListener('securitypolicyviolation', (event) => {
                found.push(event.effectiveDirective);
                if (found.length === 3) done(found.sort());
            });
            new Image().src = 'https://example.com/a.png';
            fetch('https://example.com/b').catch(() => {});
            const script = document.createElement('script');
            script.textContent = 'document.title = "taken"';
            document.body.append(script);
        })"""
    )
    assert stopped == ["connect-src", "img-src", "script-src-elem"]
    assert seen.page.title() == "Attribution: sample"
    assert not [url for url in seen.answered if "example.com" in url]


def test_on_paper_everything_is_there_and_opened(opened: Any) -> None:
    seen = opened("sample")
    seen.page.emulate_media(media="print")
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert seen.page.locator("details:not([open])").count() == 0
    assert seen.page.locator("nav:visible").count() == 0
    assert len(seen.page.pdf(format="A4")) > 100_000


def test_a_screen_reader_finds_names_for_everything(opened: Any) -> None:
    seen = opened("sample")
    page = seen.page
    assert page.locator("h1").count() == 1
    assert page.locator("select").count() == page.locator("label select").count() == 3
    for chart in page.locator(".chart").all():
        assert len(chart.get_attribute("aria-label")) > 30
    for table in page.locator("table").all():
        assert table.get_attribute("aria-label")
        assert table.locator("thead th:not([scope=col]), tbody th:not([scope=row])").count() == 0
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"


def test_what_a_chart_does_not_know_is_not_shown_under_its_name(browser: Any, partial: Path) -> None:
    context = browser.new_context(locale="en-US", timezone_id="America/New_York")
    seen = Opened(context.new_page(), partial)
    page = seen.page
    caption = page.locator("figure", has=page.locator("#chart-trend-0")).locator(".of-model")
    assert caption.inner_text() == "Model: last_touch. Channel: (total). Outcome: leads."
    costs = seen.column("kpis", "Cost per lead")
    page.locator("select[data-choice=model]").select_option(label="a b")
    assert seen.column("kpis", "Cost per lead") != costs
    assert "Model: last_touch." in caption.inner_text()
    before = seen.marks("trend-0")
    page.locator("select[data-choice=channel]").select_option("two  spaces")
    page.wait_for_timeout(200)
    assert seen.marks("trend-0") != before
    page.locator("#chart-trend-0 path[aria-roledescription=point]").first.hover()
    page.wait_for_selector("#vg-tooltip-element.visible")
    assert "2026-01-01" in page.inner_text("#vg-tooltip-element")
    assert not page.locator("button", has_not_text=re.compile(r"\S")).count()
    assert not seen.said
    context.close()


def test_without_a_script_each_row_tells_its_model(browser: Any, partial: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(partial.as_uri())
    row = page.locator("#table-kpis tr[data-model=last_touch]").first
    told = row.evaluate("row => getComputedStyle(row, '::after').content")
    assert told == '"last_touch"'
    context.close()
    context = browser.new_context()
    row = Opened(context.new_page(), partial).page.locator("#table-kpis tr[data-model=last_touch]").first
    assert row.evaluate("row => getComputedStyle(row, '::after').content") == "none"
    context.close()

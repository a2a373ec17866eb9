"""The playground of the rendered site, driven in a real browser as a reader would: `make site` first.

Another folder than _site is tested with `make test ARGS=-mbrowser SITE=folder`.
"""

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from sklearn.datasets import make_moons
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import train_test_split

import nnlib as nn
from benchmarks.playground import one_round
from publish.gates.browser import (
    AXE, AXE_RULES, FLAGS, OVERFLOW, THEMES, TOGGLE, WIDTHS, axe_messages, serve, switch_theme,
)  # fmt: skip
from publish.gates.site import Site
from publish.gates.tools import npm_file, program

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
PAGE = "playground.html"
# The tutorial's settings of the first post: training stops on a plateau.
PLATEAU = "test=0&init=normal-0.5&generator=RandomState&seed=42&optimizer=sgd&rate=0.5&epochs=1000"
SHORT = "n=100&epochs=50&batch=16&seed=3"
DIVERGES = "layers=8-8&activation=leaky_relu&optimizer=sgd&rate=100"
PATIENCE = 60_000  # milliseconds: for a slow machine, not for a slow page
CONTROLS = """() => Object.fromEntries([...document.querySelectorAll("#playground [name]")]
    .filter(e => "value" in e && e.name && e.name !== "speed")
    .map(e => [e.name, e.type === "checkbox" ? e.checked : e.value]))"""
# What Tab should reach, in the order of the document.
STOPS = """() => {
    const controls = "#playground :is(a[href], button, input, select, summary, [tabindex])";
    const reached = e => !e.disabled && e.tabIndex >= 0 && e.checkVisibility();
    window.stops = [...document.querySelectorAll(controls)].filter(reached);
    return window.stops.length;
}"""
STOP = "() => window.stops.indexOf(document.activeElement)"
RECT = """() => {
    const { top, left, bottom } = document.activeElement.getBoundingClientRect();
    return [top + scrollY, left, bottom + scrollY];
}"""


# --- the page --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site():
    folder = ROOT / os.environ.get("SITE", "_site")
    if not (folder / PAGE).is_file():
        pytest.fail(f"there is no {PAGE} in {folder}: run make site first, or name another folder with SITE=")
    return Site(folder)


@pytest.fixture(scope="module")
def address(site):
    with serve(site) as address:
        yield address


@pytest.fixture(scope="module")
def chrome():
    from playwright.sync_api import sync_playwright

    chromium = program("chromium", "chromium", "google-chrome", "chromium-browser")
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield chrome
        chrome.close()


@pytest.fixture
def visit(chrome, address):
    """Open the playground with a query; at the end, it must have asked no other host and said no error."""
    contexts, problems = [], []

    def request(sent):
        if not sent.url.startswith((address, "blob:", "data:")):
            problems.append(f"asks another host: {sent.url}")

    def console(message):
        if message.type in ("error", "warning"):
            problems.append(f"console {message.type}: {message.text}")

    def open_page(query="", started=True, **options):
        context = chrome.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("request", request)
        page.on("response", lambda got: got.status >= 400 and problems.append(f"{got.url}: {got.status}"))
        page.on("console", console)
        page.on("pageerror", lambda error: problems.append(f"script failed: {error.message}"))
        page.goto(f"{address}{PAGE}{query and '?'}{query}")
        if started:
            wait_for(page, "#status", r"Epoch 0\b")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def wait_for(page, selector, pattern):
    from playwright.sync_api import TimeoutError

    condition = "([selector, pattern]) => new RegExp(pattern, 'i').test(document.querySelector(selector)?.textContent)"
    with contextlib.suppress(TimeoutError):
        return page.wait_for_function(condition, arg=[selector, pattern])
    said, problems = page.text_content(selector), page.text_content("#problems")
    pytest.fail(f"{selector} says {said!r}, not {pattern!r}; problems: {problems!r}")


def run_to_stop(page, pattern):
    """Train until a stop condition holds, and the page says that it does; return what the page tells."""
    page.click("#finish")
    wait_for(page, "#status", pattern)
    wait_for(page, "#run", "^Run$")
    return told(page)


def told(page):
    """The status in numbers, the parameters, the confusion matrix, and the picture of the loss."""
    status = page.text_content("#status")
    numbers = re.search(r"Epoch ([\d,]+).*?loss ([\d.e+-]+), accuracy ([\d.]+)%", status)
    if not page.locator("#weights").is_visible():
        page.click("details:has(> #weights) > summary")
    wait_for(page, "#weights", r"\d")
    rows = [line.split() for line in page.text_content("#weights").splitlines() if re.match(r"\s*-?\d", line)]
    cells = page.locator("#confusion tbody td").all_text_contents()
    return SimpleNamespace(
        epoch=int(numbers[1].replace(",", "")),
        loss=float(numbers[2]),
        accuracy=float(numbers[3]) / 100,
        theta=np.array([float(number.replace("−", "-")) for row in rows for number in row]),
        confusion=[int(cell) if cell.isdigit() else None for cell in cells],
        curve=page.evaluate("() => document.getElementById('loss').toDataURL()"),
    )


def query(page):
    return dict(parse_qsl(urlsplit(page.url).query))


# --- training --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"reduced_motion": "reduce"}], ids=["motion", "no motion"])
def test_the_tutorials_run_ends_on_its_plateau(visit, options):
    page = visit(PLATEAU, **options)
    at_end = run_to_stop(page, r"Epoch 1,000\b")
    assert (at_end.epoch, round(at_end.loss, 3), at_end.accuracy) == (1000, 0.284, 0.86)
    assert "1,000" in page.text_content("#counter")


def test_a_step_an_epoch_and_a_pause(visit):
    page = visit("n=2000&layers=16-16-16-16&epochs=100000&batch=700")  # three batches an epoch
    page.click("#step")
    wait_for(page, "#status", r"Epoch 0 \+ step 1:")
    page.click("#epoch")
    wait_for(page, "#status", r"Epoch 1:")
    page.click("#run")
    wait_for(page, "#run", "Pause")
    wait_for(page, "#counter", r"a second|/s")
    page.click("#run")
    wait_for(page, "#run", "Run")
    wait_for(page, "#status", r"Epoch (?!0|1:)\d+")


@pytest.mark.parametrize(
    ("condition", "said"),
    [("stop=loss&goal=0.5", r"loss.*0\.5"), ("stop=accuracy&goal=0.8", r"accuracy.*(0\.8|80)"), ("", "50 epochs")],
)
def test_a_stop_condition_ends_the_run_and_is_named(visit, condition, said):
    page = visit(f"{SHORT}&{condition}")
    run_to_stop(page, said)


def test_the_same_seed_gives_the_same_curve_and_another_one_another(visit):
    page = visit(SHORT)
    first = run_to_stop(page, r"Epoch 50\b")
    page.click("#reset")
    wait_for(page, "#status", r"Epoch 0\b")
    assert told(page).curve != first.curve
    again = run_to_stop(page, r"Epoch 50\b")
    assert vars(again) | {"theta": again.theta.tolist()} == vars(first) | {"theta": first.theta.tolist()}
    page.click("#new-seed")
    wait_for(page, "#status", r"Epoch 0\b")
    assert query(page)["seed"] != "3"
    other = run_to_stop(page, r"Epoch 50\b")
    assert not np.array_equal(other.theta, first.theta)
    assert other.curve != first.curve


def test_twenty_seeds_show_their_spread(visit):
    page = visit(SHORT)
    words = page.text_content("#seeds")
    page.click("#seeds")
    wait_for(page, "#status", r"20 starts.*accuracy .*[\d.]+% .*[\d.]+%")
    wait_for(page, "#seeds", words)
    starts = page.locator("#starts li")
    assert starts.count() == 20
    assert all(re.search(r"[\d.]+%", text) for text in starts.all_text_contents())
    starts.get_by_text("seed 9", exact=True).click()
    wait_for(page, "#status", r"Epoch 0\b")
    assert query(page) == {"n": "100", "epochs": "50", "batch": "16", "seed": "9"}


def test_the_benchmark_measures_speed_and_frames(visit):
    result = one_round(visit(SHORT), seconds=0.5)
    assert result["speed"] > 0
    assert 0 < result["median"] <= result["most"] <= result["longest"]


# --- the address -----------------------------------------------------------------------------------------------------


def test_a_page_loaded_again_has_the_same_settings(visit):
    page = visit(
        "data=spirals&n=300&noise=0.1&data_seed=7&test=0.3&standardize=1&layers=8-4&activation=tanh&init=he"
        "&generator=RandomState&seed=5&loss=half_squared_error&optimizer=momentum&rate=0.3&batch=32&l2=0.001&epochs=40"
        "&stop=loss&goal=0.1"
    )
    settings, address = page.evaluate(CONTROLS), page.url
    some = {"data": "spirals", "layer2": "4", "rate": "0.3", "standardize": True, "goal": "0.1"}
    assert some.items() <= settings.items()
    page.reload()
    wait_for(page, "#status", r"Epoch 0\b")
    assert (page.evaluate(CONTROLS), page.url) == (settings, address)


def test_what_is_changed_is_in_the_address_and_back_and_forward_restore_it(visit):
    page = visit()
    states = [(page.url, page.evaluate(CONTROLS))]
    for change in (
        lambda: page.select_option("[name=activation]", "tanh"),
        lambda: (page.fill("[name=rate]", "0.5"), page.press("[name=rate]", "Tab")),
        lambda: (page.fill("[name=layer2]", "4"), page.press("[name=layer2]", "Tab")),
    ):
        change()
        page.wait_for_url(lambda url: url != states[-1][0])
        states.append((page.url, page.evaluate(CONTROLS)))
    assert query(page) == {"activation": "tanh", "rate": "0.5", "layers": "8-4"}
    ways = [page.go_back] * 3 + [page.go_forward] * 3
    for go, (url, settings) in zip(ways, states[2::-1] + states[1:]):
        go()
        page.wait_for_url(url)
        wait_for(page, "#status", r"Epoch 0\b")
        assert page.evaluate(CONTROLS) == settings


def test_settings_may_change_faster_than_the_worker_answers(visit):
    page = visit(SHORT)
    hurry = """async () => {
        const { layer1, layer2 } = document.getElementById("settings").elements;
        const log = document.querySelector("[name=log-loss]");
        for (let i = 0; i < 40; i++) {
            [layer1.value, layer2.value] = [1 + i % 16, (i + 1) % 5];
            layer2.dispatchEvent(new Event("change", { bubbles: true }));
            for (let redrawn = 0; redrawn < 4; redrawn++) {
                log.click();
                await new Promise(requestAnimationFrame);
            }
        }
    }"""
    page.evaluate(hurry)
    page.click("#epoch")
    wait_for(page, "#status", r"Epoch 1\b")
    assert query(page) == {"n": "100", "epochs": "50", "batch": "16", "seed": "3"}


def test_orders_given_before_the_worker_answers_are_followed(visit):
    page = visit(SHORT)
    page.evaluate("""() => {
        for (const order of ["reset", "copy-code", "download", "run"]) document.getElementById(order).click();
    }""")
    wait_for(page, "#counter", r"Epoch \d{3}")
    assert page.text_content("#run") == "Pause"
    page.click("#run")
    wait_for(page, "#run", "^Run$")
    wait_for(page, "#status", "Paused")


def test_a_control_emptied_in_between_is_no_step_in_the_history(visit):
    page = visit(SHORT)
    before = page.evaluate("() => history.length")
    for rate in ("", "0.3"):
        page.fill("[name=rate]", rate)
        page.press("[name=rate]", "Tab")
    page.wait_for_url(re.compile("rate=0.3"))
    assert page.evaluate("() => history.length") == before + 1


def test_every_link_of_the_site_to_the_playground_is_understood(visit, site):
    queries = set()
    for reference in site.references:
        parts = urlsplit(reference.url)
        if parts.query and site.locate(reference.source, reference.url) == PAGE:
            queries.add(parts.query)
    page = visit()
    go = "query => { history.pushState(null, '', `?${query}`); dispatchEvent(new PopStateEvent('popstate')); }"
    problems = {}
    for asked in sorted(queries):
        page.evaluate(go, asked)
        wait_for(page, "#status", r"Epoch 0\b")
        problems[asked] = page.text_content("#problems")
    assert {asked: said for asked, said in problems.items() if said} == {}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("rate=abc", ["rate=abc", "number", "100"]),
        ("rate=NaN", ["rate=NaN", "number"]),
        ("rate=1e99", ["rate=1e99", "100"]),
        ("layers=99", ["layers=99", "1 to 16"]),
        ("layers=8-8-8-8-8", ["layers=8-8-8-8-8", "4"]),
        ("n=-5", ["n=-5", "10 to 2000"]),
        ("seed=0.5", ["seed=0.5", "whole"]),
        ("data=foo", ["data=foo", "moons", "spirals"]),
        ("speed_of_light=1", ["speed_of_light", "no setting"]),
        ("n=10&test=0.8&batch=9", ["batch=9", "training points"]),
        ("rate=abc&data=<b>foo</b>&x=%F0%9F", ["rate=abc", "<b>foo</b>", "x"]),
        ("layers=" + "8-" * 5000 + "8", ["layers=", "4"]),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_a_wrong_address_is_told_with_the_remedy_and_the_page_works(visit, asked, words):
    page = visit(f"{SHORT}&{asked}")
    said = page.text_content("#problems")
    assert all(word in said for word in words), said
    assert len(said) < 1000
    page.click("#epoch")
    wait_for(page, "#status", r"Epoch 1\b")


def test_a_wrong_number_in_a_control_is_told_and_the_old_one_comes_back(visit):
    page = visit()
    page.fill("[name=rate]", "-3")
    page.press("[name=rate]", "Tab")
    wait_for(page, "#problems", r"rate.*100")
    assert float(page.input_value("[name=rate]")) > 0
    page.fill("[name=n]", "")
    page.press("[name=n]", "Tab")
    wait_for(page, "#problems", r"n .*2000")
    page.fill("[name=n]", "200")
    page.press("[name=n]", "Tab")
    wait_for(page, "#problems", "^$")
    assert query(page)["n"] == "200"


def test_training_that_diverges_stops_with_the_remedy(visit):
    page = visit(DIVERGES)
    page.click("#run")
    wait_for(page, "#problems", r"lower the learning rate|smaller weights")
    wait_for(page, "#run", "^Run$")
    assert np.isfinite(told(page).theta).all()
    page.click("#copy-code")  # whose run ends elsewhere: nothing to compare
    wait_for(page, "#code", "import nnlib")
    assert "showed" not in page.text_content("#code")
    page.fill("[name=rate]", "0.000001")
    page.press("[name=rate]", "Tab")
    page.click("#epoch")
    wait_for(page, "#status", r"Epoch 1\b")


def test_without_javascript_the_page_says_what_it_needs(visit):
    page = visit(started=False, java_script_enabled=False)
    assert page.locator("#fallback").is_visible()
    assert not page.locator("#playground").is_visible()


# --- what a reader takes away ----------------------------------------------------------------------------------------


def test_the_downloaded_network_is_the_one_on_the_page(visit, tmp_path):
    page = visit("layers=6-3&activation=tanh&epochs=200")
    at_end = run_to_stop(page, r"Epoch 200\b")
    with page.expect_download() as download:
        page.click("#download")
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    network = nn.load(file)
    np.testing.assert_allclose(at_end.theta, network.theta, rtol=1e-6)
    X, y = make_moons(500, noise=0.2, random_state=42)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
    assert abs(network.loss(X, y) - at_end.loss) <= 5e-5
    assert abs(network.accuracy(X, y) - at_end.accuracy) <= 5e-4
    matrices = [confusion_matrix(y, network.classify(X)), confusion_matrix(y_test, network.classify(X_test))]
    assert at_end.confusion == np.hstack(matrices).ravel().tolist()


@pytest.mark.parametrize(
    "settings",
    [PLATEAU, "data=circles&n=201&layers=8-8&activation=relu&batch=32&l2=0.01&epochs=30"],
    ids=["plateau", "circles"],
)
def test_the_copied_code_runs_and_prints_what_the_page_showed(visit, settings, tmp_path):
    page = visit(settings, permissions=["clipboard-read", "clipboard-write"])
    at_end = run_to_stop(page, r"Epoch (1,000|30)\b")
    page.click("#copy-code")
    wait_for(page, "#status", "copied")
    code = page.text_content("#code")
    assert page.evaluate("() => navigator.clipboard.readText()") == code
    (tmp_path / "code.py").write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "code.py"], cwd=tmp_path, env=os.environ | {"MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = re.compile(r"(\w+): loss ([\d.e+-]+), accuracy ([\d.]+)")
    printed, shown = ({name: (float(loss), float(accuracy)) for name, loss, accuracy in result.findall(text)}
                      for text in (done.stdout, code))  # fmt: skip
    assert printed == shown
    assert set(printed) == ({"training"} if settings == PLATEAU else {"training", "test"})
    loss, accuracy = printed["training"]
    assert abs(loss - at_end.loss) <= 1e-4
    assert abs(accuracy - at_end.accuracy) <= 6e-4


@pytest.mark.parametrize("button", ["#copy-code", "#copy-link"])
def test_where_copying_is_refused_the_page_says_so(visit, button):
    page = visit(SHORT)
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new DOMException('no')); }")
    page.click(button)
    wait_for(page, "#status", r"select|shown")
    if button == "#copy-code":
        assert page.locator("#code").is_visible()
        assert "import nnlib as nn" in page.text_content("#code")


def test_the_copied_link_is_the_address(visit):
    page = visit(SHORT, permissions=["clipboard-read", "clipboard-write"])
    page.click("#copy-link")
    wait_for(page, "#status", "copied")
    assert page.evaluate("() => navigator.clipboard.readText()") == page.url


# --- for everybody ---------------------------------------------------------------------------------------------------


def show_everything(page):
    """Bring out all that may be hidden: problems, settings, code, the spread, weights, overlays."""
    page.evaluate("() => document.querySelectorAll('#playground details').forEach(d => { d.open = true; })")
    page.click("#seeds")
    wait_for(page, "#status", r"20 starts.*accuracy")
    for name in ("show-tree", "show-line", "log-epochs", "log-loss"):
        page.check(f"[name={name}]")
    page.click("#copy-code")
    wait_for(page, "#code", "import nnlib")
    page.fill("[name=rate]", "-1")
    page.press("[name=rate]", "Tab")
    wait_for(page, "#problems", "rate")
    page.click("#copy-code")
    page.evaluate("() => document.querySelectorAll('#playground details').forEach(d => { d.open = true; })")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_nothing_keeps_anybody_out(visit, theme, width):
    page = visit(SHORT, color_scheme=theme, viewport={"width": width, "height": 900}, permissions=["clipboard-write"])
    assert switch_theme(page, theme)
    show_everything(page)
    assert page.evaluate(OVERFLOW) is None
    page.evaluate(npm_file("axe-core/axe.min.js").read_text("utf-8"))
    assert list(axe_messages(page.evaluate(AXE, AXE_RULES))) == []


def test_the_pictures_follow_the_theme(visit):
    page = visit(SHORT, color_scheme="light")
    pictures = "() => ['boundary', 'network', 'loss'].map(id => document.getElementById(id).toDataURL())"
    light = page.evaluate(pictures)
    page.locator(TOGGLE).first.evaluate("toggle => toggle.click()")
    page.wait_for_function(f"light => ({pictures})().every((picture, i) => picture !== light[i])", arg=light)


def test_tab_reaches_every_control_in_order_and_leaves(visit):
    page = visit(SHORT)
    page.evaluate("() => document.querySelectorAll('#playground details').forEach(d => { d.open = true; })")
    count = page.evaluate(STOPS)
    page.evaluate("() => { window.stops[0].focus(); }")
    order, places = [page.evaluate(STOP)], [page.evaluate(RECT)]
    for _ in range(3 * count):
        page.keyboard.press("Tab")
        if page.evaluate("() => !document.activeElement.closest('#playground')"):
            break
        if (stop := page.evaluate(STOP)) >= 0:  # not a scrolling box
            order.append(stop)
            places.append(page.evaluate(RECT))
    else:
        pytest.fail("the keyboard does not get out of the playground")
    assert order == list(range(count))
    # Not up and not back within a line of controls, but for the next column.
    jumps = [i for i, (one, two) in enumerate(zip(places, places[1:])) if two[2] <= one[0] and two[1] <= one[1]]
    assert not jumps, [page.evaluate("i => window.stops[i].outerHTML.slice(0, 80)", i) for i in jumps]
    for _ in range(3):  # there may be a scrolling box behind the last control
        page.keyboard.press("Shift+Tab")
        if page.evaluate(STOP) >= 0:
            break
    assert page.evaluate(STOP) == count - 1


def test_the_keyboard_alone_changes_settings_and_trains(visit):
    page = visit(SHORT)
    page.evaluate("() => document.querySelectorAll('#playground details').forEach(d => { d.open = true; })")
    page.focus("[name=activation]")
    page.keyboard.press("ArrowDown")
    page.wait_for_url(re.compile("activation=tanh"))
    page.focus("[name=standardize]")
    page.keyboard.press("Space")
    page.wait_for_url(re.compile("standardize=1"))
    page.focus("[name=seed]")
    page.keyboard.press("ArrowUp")
    page.wait_for_url(re.compile("seed=4"))
    page.focus("#epoch")
    page.keyboard.press("Enter")
    wait_for(page, "#status", r"Epoch 1\b")
    assert page.evaluate("() => document.activeElement.id") == "epoch"
    page.focus("#run")
    page.keyboard.press("Space")
    wait_for(page, "#run", "Pause")
    page.keyboard.press("Space")
    wait_for(page, "#run", "Run")
    page.focus("#finish")
    page.keyboard.press("Enter")
    wait_for(page, "#status", r"50 epochs")


def test_enter_in_a_field_takes_its_value_and_does_not_leave_the_page(visit):
    page = visit(SHORT)
    page.fill("[name=epochs]", "20")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("epochs=20"))
    assert query(page)["n"] == "100"


def test_screen_readers_hear_the_outcome_and_not_every_epoch(visit):
    page = visit(SHORT)
    assert page.get_attribute("#status", "role") == "status"
    assert page.get_attribute("#problems", "role") == "alert"
    counter = page.locator("#counter")
    # <output> speaks by itself, unless it is told not to.
    assert counter.get_attribute("aria-live") == "off" or counter.evaluate("e => e.tagName") != "OUTPUT"
    heard = """() => {
        window.heard = [];
        new MutationObserver(() => heard.push(document.getElementById("status").textContent))
            .observe(document.getElementById("status"), { childList: true, characterData: true, subtree: true });
    }"""
    page.evaluate(heard)
    run_to_stop(page, r"50 epochs")
    assert 1 <= len(page.evaluate("() => window.heard")) <= 3
    for name in ("boundary", "network", "loss", "accuracy"):
        assert page.get_attribute(f"#{name}", "role") == "img"
        assert page.get_attribute(f"#{name}", "aria-label")
        assert page.get_attribute(f"#{name}", "aria-describedby") == "status"  # the numbers

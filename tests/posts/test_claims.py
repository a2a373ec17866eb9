"""The claims are data that the page relies on: their ids, links, rule and command line. No claim that takes seconds."""

import importlib.util
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "posts" / "claims"


def load():
    spec = importlib.util.spec_from_file_location("claims_of_the_page", FOLDER / "claims.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a dataclass looks its module up
    spec.loader.exec_module(module)
    return module


claims = load()
BY_ID = claims.BY_ID


def test_there_are_enough_claims_of_each_tutorial_and_no_id_twice():
    ids = [claim.id for claim in claims.CLAIMS]
    assert len(ids) == len(set(ids)) == len(BY_ID)
    of_tutorials = [claim for claim in claims.CLAIMS if claim.source in "ABCDE"]
    assert len(of_tutorials) >= 24
    assert {claim.source for claim in of_tutorials} == set("ABCDE")
    assert ids == [f"{letter}{i}" for letter in "ABCDESR" for i in range(1, 1 + sum(n[0] == letter for n in ids))]


@pytest.mark.parametrize("claim", claims.CLAIMS, ids=lambda claim: claim.id)
def test_claim_is_complete(claim):
    post, section = claim.link.split("#")
    page = (ROOT / "posts" / post / "index.qmd").read_text(encoding="utf-8")
    assert re.search(rf"^#+ .*\{{#{section}\}}$", page, re.MULTILINE), f"no section {claim.link}"
    assert claim.says.endswith(".") and claim.test.endswith(".")
    assert "|" not in claim.says + claim.test  # it would end a cell of the table
    assert claim.about in ("formula", "training", "program")
    bounds = [bound for bound in (claim.least, claim.most) if bound is not None]
    assert len(bounds) == (0 if claim.kind == "rate" else 1)
    assert bool(claim.name) == (claim.kind == "rate")
    assert len(claim.name) <= 22  # the margin of the strips
    assert not claim.may or (claim.kind == "rate" and re.search(r"\b(may|risk)\b", claim.says))
    assert not (claim.reading and claim.source in "SR")


def test_luck_is_tried_on_a_hundred_seeds():
    assert len(claims.SEEDS) >= 100


def outcome(kind, values, name="T1", **bound):
    claim = claims.Claim(name, "xor#sec-luck", "It holds.", "A test.", lambda *seeds: values, kind, **bound)
    return claims.check(claim, range(len(np.atleast_1d(values))))


@pytest.mark.parametrize(
    ("successes", "verdict"),
    [(0, "does not hold"), (40, "does not hold"), (41, "holds with luck"), (95, "holds with luck"),
     (96, "holds"), (100, "holds")],
)  # fmt: skip
def test_rule_for_rates(successes, verdict):
    result = outcome("rate", np.arange(100) < successes)
    assert result.verdict == verdict
    assert result.number_text == f"{successes} of 100"
    assert result.low <= successes / 100 <= result.high


@pytest.mark.parametrize(
    ("successes", "verdict"),
    [(0, "does not hold"), (1, "holds with luck"), (9, "holds with luck"), (10, "holds"), (100, "holds")],
)
def test_rule_for_what_may_happen(successes, verdict):
    """One start in twenty: 0 of 100 leave no room for it, from 10 of 100 on it is more."""
    assert outcome("rate", np.arange(100) < successes, may=True).verdict == verdict


def test_a_setting_gets_a_count_and_no_verdict():
    result = outcome("rate", np.arange(100) < 3, name="S9")
    assert (result.number_text, result.verdict) == ("3 of 100", "counted")


@pytest.mark.parametrize(
    ("bound", "verdict"),
    [
        (dict(least=0.5), "holds"),
        (dict(least=1.0), "holds with luck"),
        (dict(least=1.5), "does not hold"),
        (dict(most=1.5), "holds"),
        (dict(most=1.0), "holds with luck"),
        (dict(most=0.5), "does not hold"),
    ],
)
def test_rule_for_means(bound, verdict):
    values = np.random.default_rng(0).normal(1, 0.5, 100)
    result = outcome("mean", values, form="{:.2f}", **bound)
    assert result.verdict == verdict
    assert result.low < values.mean() < result.high
    assert 0.15 < result.high - result.low < 0.25  # 4 standard errors of 0.05


@pytest.mark.parametrize(
    ("number", "bound", "verdict"),
    [
        (3, dict(least=4), "does not hold"),
        (4, dict(least=4), "holds"),
        (4, dict(most=4), "holds"),
        (5, dict(most=4), "does not hold"),
        (np.nan, dict(most=4), "does not hold"),
        (np.nan, dict(least=4), "does not hold"),
    ],
)
def test_rule_for_exact_numbers(number, bound, verdict):
    result = outcome("exact", number, **bound)
    assert result.verdict == verdict
    assert result.seeds is None and result.interval_text == "no luck"


@pytest.mark.parametrize("name", ["A1", "A2", "A3", "A4", "B3", "C3", "C4", "C5", "D2", "E3"])
def test_formulas_hold(name):
    assert claims.check(BY_ID[name]).verdict == "holds"


def test_a_claim_run_twice_gives_the_same_and_other_seeds_another_result():
    claim = BY_ID["S2"]
    first = claims.check(claim)
    claims.xor.cache_clear()
    again, other = claims.check(claim), claims.check(claim, range(200, 300))
    np.testing.assert_array_equal(first.outcomes, again.outcomes)
    assert not np.array_equal(first.outcomes, other.outcomes)
    assert (first.number_text, first.verdict) == (again.number_text, again.verdict)


def test_command_line_runs_one_claim(capsys):
    claims.main(["c5", "S3", "--seeds", "300:310"])
    out = capsys.readouterr().out
    assert "C5  Clipping" in out and "0 (no luck): HOLDS" in out
    assert re.search(r"S3 .*\n.*\n    10 of 10 \(95% interval .*, seeds 300:310\)", out)
    assert "Fewer than 100 seeds" in out


def test_command_line_lists_a_tutorial(capsys):
    claims.main(["--list", "b"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [c.id for c in claims.CLAIMS if c.source == "B"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a claim, such as C2, or all. --list shows them."),
        (["Z9"], "there is no claim 'Z9'; there are A1 to A19, "),
        (["C2", "--seeds", "100"], "--seeds takes first:end, such as 100:200 for seeds 100 to 199, not '100'."),
        (["C2", "--seeds", "5:5"], "--seeds 5:5 is not a range of two or more seeds"),
        (["C2", "--seeds", "9:1"], "--seeds 9:1 is not a range of two or more seeds"),
        (["C2", "--record", "no-such-folder/x.json"], "there is no such folder; make it first."),
        (["C2", "--seeds=-5:100"], "--seeds -5:100 is not a range of two or more seeds from 0 on"),
    ],
)
def test_command_line_errors_name_the_remedy(arguments, message, capsys):
    with pytest.raises(SystemExit) as stop:
        claims.main(arguments)
    assert stop.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_record_is_of_these_claims_and_this_rule():
    """The page shows what was recorded for fresh seeds; after a change of a claim it has to be made again."""
    recorded = claims.read_record(FOLDER / "replication.json")
    assert list(recorded) == [claim.id for claim in claims.CLAIMS if claim.kind != "exact"]
    for name, entry in recorded.items():
        if BY_ID[name].kind == "rate":
            k, n = map(int, entry["number"].split(" of "))
            assert n == 100
            assert claims.verdict(BY_ID[name], *claims.wilson(k, n)) == entry["verdict"]


def test_record_can_be_written_and_read(tmp_path):
    claims.main(["R2", "C5", "--seeds", "300:310", "--record", str(tmp_path / "record.json")])
    assert claims.read_record(tmp_path / "record.json") == {
        "R2": {"number": "10 of 10", "interval": "72.2% to 100.0%", "verdict": "holds with luck"}
    }


def test_a_claim_is_not_changed_by_accident():
    with pytest.raises(AttributeError):
        BY_ID["C2"].most = 1
    assert replace(BY_ID["C2"], says="Another.").says == "Another."

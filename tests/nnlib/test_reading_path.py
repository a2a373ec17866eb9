"""How much a newcomer reads: what building and training a small network runs through, measured.

Functions are those with a name, not comprehensions. Code lines are those without docstrings, comments and blank lines.
The reading path is made of the modules whose functions run.
"""

import ast
import importlib.util
import io
import sys
import tokenize
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import nnlib as nn

ROOT = Path(nn.__file__).parent
X, Y = np.random.default_rng(0).normal(size=(500, 2)), np.arange(500) % 2


def build():
    return nn.Network(2, [nn.Dense(8, "sigmoid"), nn.Dense(1)], loss="binary_cross_entropy", rng=0)


class Trace:
    """The functions of nnlib that a call runs through, the lines that it executes, and how deep it goes."""

    def __init__(self, call):
        self.codes, self.lines, self.depths = set(), set(), {}
        before = sys.gettrace()
        sys.settrace(self.enter)
        try:
            call()
        finally:
            sys.settrace(before)

    def enter(self, frame, event, arg):
        if not frame.f_code.co_filename.startswith(str(ROOT)):
            return None
        if not frame.f_code.co_name.startswith("<") or frame.f_code.co_name == "<lambda>":
            self.codes.add(frame.f_code)
        depth, caller = 1, frame.f_back
        while caller is not None and caller.f_code.co_filename.startswith(str(ROOT)):
            depth, caller = depth + 1, caller.f_back
        self.depths[frame.f_code.co_qualname] = max(depth, self.depths.get(frame.f_code.co_qualname, 0))
        return self.execute

    def execute(self, frame, event, arg):
        if event == "line":
            self.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self.execute

    def files(self):
        return {Path(code.co_filename) for code in self.codes}

    def lines_of_functions(self):
        """All code lines of the functions, whether they were executed or not."""
        found = set()
        for code in self.codes:
            path = Path(code.co_filename)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                first = min((d.lineno for d in getattr(node, "decorator_list", [])), default=getattr(node, "lineno", 0))
                if isinstance(node, (ast.FunctionDef, ast.Lambda)) and first == code.co_firstlineno:
                    found |= {(path, line) for line in code_lines(path) if first <= line <= node.end_lineno}
        return found


@cache
def code_lines(path):
    """The numbers of the lines of a file that hold code."""
    source = path.read_text(encoding="utf-8")
    strings = set()
    for node in ast.walk(ast.parse(source)):
        for statement in getattr(node, "body", []) if isinstance(getattr(node, "body", None), list) else []:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                strings |= set(range(statement.lineno, statement.end_lineno + 1))
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.NAME, tokenize.NUMBER, tokenize.OP, tokenize.STRING):
            lines |= set(range(token.start[0], token.end[0] + 1))
    return lines - strings


@pytest.fixture(scope="module")
def training():
    network, optimizer = build(), nn.SGD(0.5)
    return Trace(lambda: nn.train(network, X, Y, optimizer, 1))


@pytest.fixture(scope="module")
def everything():
    return Trace(lambda: nn.train(build(), X, Y, nn.SGD(0.5), 1))


def test_an_epoch_runs_through_few_functions_and_lines(training):
    assert len(training.codes) <= 30, sorted(code.co_qualname for code in training.codes)
    assert len(training.lines) <= 150


def test_with_building_the_network_it_is_not_many_more(everything):
    assert len(everything.codes) <= 55, sorted(code.co_qualname for code in everything.codes)
    assert len(everything.lines_of_functions()) <= 350, len(everything.lines_of_functions())


def test_the_reading_path_is_short(everything):
    assert sum(len(code_lines(path)) for path in everything.files()) <= 850, sorted(map(str, everything.files()))


def test_a_layer_is_near_the_loop(training):
    assert training.depths["train"] == 1 and training.depths["Dense.forward"] <= 3


def test_the_library_is_small():
    assert sum(len(code_lines(path)) for path in ROOT.rglob("*.py")) <= 2790


def imports_of(path):
    """The modules of nnlib that a module imports, anywhere in its text."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("nnlib"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nnlib"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                is_module = (ROOT.parent / inner.replace(".", "/")).with_suffix(".py").is_file()
                yield inner if is_module else node.module


def test_no_module_imports_itself_by_a_detour():
    names = {path: ".".join(path.relative_to(ROOT.parent).with_suffix("").parts) for path in ROOT.rglob("*.py")}
    graph = {name.removesuffix(".__init__"): set(imports_of(path)) for path, name in names.items()}
    assert all(importlib.util.find_spec(module) for imported in graph.values() for module in imported)
    done = set()

    def visit(module, way):
        assert module not in way, " -> ".join((*way[way.index(module) :], module))
        if module not in done:
            for imported in graph.get(module, ()):
                visit(imported, (*way, module))
            done.add(module)

    for module in graph:
        visit(module, ())

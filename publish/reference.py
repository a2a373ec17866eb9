"""Write the reference pages of a package from its docstrings: an index, and a page per module.

A module has a page if the package's docstring names it in backticks; the order of that text is the order of the pages.
On a page stand the names that the module defines for the package or for an `__all__` of its own, or where there are none,
its public functions and classes. A module in a folder, `folder.module`, is for users only if the package has its names,
or has the module itself as `package.module`. Docstrings are in numpydoc's style, and their text is Markdown.
"""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.util
import inspect
import itertools
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import yaml

from publish.errors import PublishError

MARK = "# Made from the docstrings by python -m publish reference: changes here are lost."
# Sections of a docstring that hold `name : type` lines, each with an indented description.
LISTS = ("Parameters", "Other Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns")
HEADING = re.compile(r"^(\S.*)\n-{3,} *$", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")
CODE_OR_ADDRESS = re.compile(CODE.pattern + r"|https?://[^\s,)]*[^\s,).]")
INDEX = "index.qmd"
WIDTH = 80  # of a signature on one line


@dataclass(frozen=True)
class Entry:
    """A public name: the object, its docstring, and how users write it."""

    name: str
    full_name: str  # nn.train, nn.plots.scatter; Network.predict
    value: object
    doc: str
    methods: tuple[Entry, ...] = ()

    @property
    def is_class(self) -> bool:
        return inspect.isclass(self.value)

    @property
    def is_variable(self) -> bool:
        return not self.is_class and not inspect.isroutine(self.value)


@dataclass(frozen=True)
class Module:
    """A module with a page."""

    name: str  # run.guard, interop.plots
    written: str  # how users write it: plots, if that is what the package calls it
    doc: str
    entries: list[Entry]

    @property
    def page(self) -> str:
        return f"{self.written.replace('.', '-')}.qmd"


def write(package_name: str, folder: Path, short: str = "nn") -> list[Path]:
    """Write the pages of a package into `folder`; users import it under the name `short`."""
    package = importlib.import_module(package_name)
    modules = read(package, short)
    links = Links(modules, short, package_name)
    pages = {folder / INDEX: _index(package, modules, links)}
    for module, following in zip(modules, [*modules[1:], None]):
        pages[folder / module.page] = _page(package_name, module, following, links)
    folder.mkdir(parents=True, exist_ok=True)
    for page in set(folder.glob("*.qmd")) - set(pages):
        if MARK in page.read_text(encoding="utf-8"):  # of a module that is gone
            page.unlink()
    for page, text in pages.items():
        # Only where it has changed: a preview watches the file, and would render for ever.
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")
    return list(pages)


# --- what there is ---------------------------------------------------------------------------------------------------


def read(package: ModuleType, short: str) -> list[Module]:
    """The modules that have a page, with their public names in the order of the source."""
    named = dict.fromkeys(re.findall(rf"`(?:{short}\.)?([\w.]+)`", package.__doc__ or ""))
    modules = [_module(package, name, short) for name in named if _is_module(f"{package.__name__}.{name}")]
    modules = [module for module in modules if module.entries or "." not in module.name]
    shown = {entry.name for module in modules for entry in module.entries} | {module.written for module in modules}
    if missing := sorted(set(package.__all__) - shown):
        raise PublishError(
            f"no page of the reference has {', '.join(missing)}: name the module that defines "
            f"{'it' if len(missing) == 1 else 'them'}, in backticks, in the docstring of {package.__name__}"
        )
    return modules


def _is_module(name: str) -> bool:
    try:
        spec = importlib.util.find_spec(name)
        return spec is not None and spec.submodule_search_locations is None  # a folder has no names of its own
    except ModuleNotFoundError:  # what stands before the last dot is none, or holds none
        return False


def _module(package: ModuleType, name: str, short: str) -> Module:
    try:
        module = importlib.import_module(f"{package.__name__}.{name}")
    except ModuleNotFoundError as error:
        raise PublishError(f"the reference needs {error.name}, which {package.__name__}.{name} imports") from None
    defined = _definitions(inspect.getsource(module))
    own = getattr(module, "__all__", [])
    # Two modules may define one name: the package has one of them.
    exported = {n for n in _exported(package) & vars(module).keys() if vars(module)[n] is getattr(package, n)}
    names = [n for n in defined if n in exported or n in own]
    last = name.rpartition(".")[2]
    reached = getattr(package, last, None) is module
    if reached and not names:
        names = [n for n in defined if n[0] != "_" and callable(getattr(module, n))]
    written, entries = last if reached else name, []
    for n in names:
        entry = Entry(n, f"{short}.{n}" if n in exported else f"{short}.{written}.{n}", getattr(module, n), "")
        doc = defined[n] if entry.is_variable else entry.value.__doc__
        methods = tuple(_methods(entry.value, package)) if entry.is_class else ()
        entries.append(replace(entry, doc=inspect.cleandoc(doc or ""), methods=methods))
    return Module(name, written, inspect.cleandoc(module.__doc__ or ""), entries)


def _exported(package: ModuleType) -> set[str]:
    return {*package.__all__, *dir(package)}  # with what it loads when first used


def _definitions(source: str) -> dict[str, str]:
    """The names that a module defines, each with the string below it, which documents a variable."""
    found = {}
    body = ast.parse(source).body
    for node, below in zip(body, [*body[1:], None]):
        targets = node.targets if isinstance(node, ast.Assign) else [node]
        names = [getattr(target, "id", None) or getattr(target, "name", None) for target in targets]
        text = getattr(getattr(below, "value", None), "value", None) if isinstance(below, ast.Expr) else None
        found |= {name: text if isinstance(text, str) else "" for name in names if name}
    return found


def _methods(cls: type, package: ModuleType) -> Iterator[Entry]:
    """The documented methods of a class, and of those of its bases that have no page of their own."""
    seen = set()
    for base in cls.__mro__:
        if base is not cls and base.__name__ in _exported(package):
            break
        for name in vars(base):
            method = getattr(cls, name)
            ours = (getattr(method, "__module__", None) or "").split(".")[0] == package.__name__
            public = name[0] != "_" or name == "__call__"
            if ours and public and inspect.isroutine(method) and method.__doc__ and name not in seen:
                seen.add(name)
                yield Entry(name, f"{cls.__name__}.{name}", method, inspect.cleandoc(method.__doc__))


# --- text and links --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where a text stands: its page, where to look first for a name, and the names that are not to be links there."""

    page: str
    scopes: tuple[str, ...] = ()
    own: frozenset[str] = frozenset()


class Links:
    """Turns the names in docstrings into links to where the reference explains them."""

    def __init__(self, modules: list[Module], short: str, package: str):
        self.prefix = rf"(?:{short}|{package})\."
        self.modules = {name: module.page for module in modules for name in (module.name, module.written)}
        self.classes = {entry.name for module in modules for entry in module.entries if entry.is_class}
        self.targets: dict[str, str] = {}
        for module in modules:
            for entry in module.entries:
                names = {entry.full_name.removeprefix(f"{short}."), f"{module.written}.{entry.name}"}
                self.targets |= dict.fromkeys(names, f"{module.page}#{entry.name}")
                self.targets |= {method.full_name: f"{module.page}#{method.full_name}" for method in entry.methods}

    def code(self, code: str, place: Place) -> str:
        """Inline code, as a link if it is a name, or a call of it."""
        match = re.fullmatch(rf"({self.prefix})?([A-Za-z_][\w.]*)(?:\([^()]*\))?", code)
        if not match or (match[2] in place.own and not match[1]):
            return f"`{code}`"
        scopes = ("",) if match[1] else (*place.scopes, "")
        target = next((t for scope in scopes if (t := self.targets.get(scope + match[2]))), None)
        if target is None and (match[1] or place.page == INDEX):  # elsewhere `losses` may well be a variable
            target = self.modules.get(match[2])
        return f"[`{code}`]({target.removeprefix(place.page) or target})" if target else f"`{code}`"

    def text(self, text: str, place: Place) -> str:
        """A docstring's Markdown: code and links as they are meant, and no markup of pandoc's own."""

        def inside(match: re.Match) -> str:
            return self.code(match[1], place) if match[1] else f"<{match[0]}>"

        return _around(CODE_OR_ADDRESS, text, inside, lambda plain: re.sub(r'([$@<~^|"])', r"\\\1", plain))

    def type(self, text: str, place: Place) -> str:
        """The type of a parameter: plain words, in which the names of classes are links."""

        def word(match: re.Match) -> str:
            return self.code(match[0], place) if match[0] in self.classes else match[0]

        def words(plain: str) -> str:
            return _around(re.compile(r"\b[A-Z]\w+"), plain, word, escape)

        return _around(CODE, text, lambda m: self.code(m[1], place), words)


def _around(pattern: re.Pattern, text: str, inside: Callable[[re.Match], str], outside: Callable[[str], str]) -> str:
    """Change what matches in one way, and what lies between in another."""
    parts, end = [], 0
    for match in pattern.finditer(text):
        parts += [outside(text[end : match.start()]), inside(match)]
        end = match.end()
    return "".join([*parts, outside(text[end:])])


def escape(text: str) -> str:
    """Plain text as Markdown."""
    return re.sub(r"([^\w\s,.:;/=-]|_)", r"\\\1", text)


def _summary(doc: str) -> str:
    """The first paragraph, in one line."""
    return " ".join(doc.split("\n\n")[0].split())


def _prose(doc: str, links: Links, place: Place) -> Iterator[str]:
    """Paragraphs, code indented by four, and examples as at Python's prompt."""

    def kind(paragraph: str) -> str:
        return "example" if paragraph.startswith(">>>") else "code" if paragraph.startswith("    ") else "text"

    paragraphs = (paragraph for paragraph in doc.strip("\n").split("\n\n") if paragraph.strip())
    for name, group in itertools.groupby(paragraphs, kind):
        text = "\n\n".join(group)
        if name == "example":
            yield from _examples(text)
        else:
            yield f"```python\n{textwrap.dedent(text).strip()}\n```" if name == "code" else links.text(text, place)


def _examples(text: str) -> Iterator[str]:
    """Code, and below it what it prints."""
    code = ""
    for part in doctest.DocTestParser().parse(text):
        code += part if isinstance(part, str) else re.sub(r" *# doctest:.*", "", part.source)
        if not isinstance(part, str) and part.want:
            output = part.want.replace("<BLANKLINE>", "").rstrip()
            yield f"```python\n{code.strip()}\n```\n\n::: {{.cell-output}}\n```\n{output}\n```\n:::"
            code = ""
    if code.strip():
        yield f"```python\n{code.strip()}\n```"


# --- pages -----------------------------------------------------------------------------------------------------------


def _index(package: ModuleType, modules: list[Module], links: Links) -> str:
    place = Place(INDEX)
    summary, _, text = inspect.cleandoc(package.__doc__).partition("\n\n")
    out = [_front("Reference", summary), *_prose(text, links, place)]
    for module in modules:
        out += [f"## [{module.name}]({module.page})", links.text(_summary(module.doc), place), "::: {.names}"]
        for entry in module.entries:
            name, said = f"[`{entry.name}`]({module.page}#{entry.name})", _about(entry, links, place)
            out.append(f"{name}\n:   {said.splitlines()[0]}")
        out.append(":::")
    return "\n\n".join(out) + "\n"


def _page(package: str, module: Module, following: Module | None, links: Links) -> str:
    place = Place(module.page, (f"{module.written}.",))
    out = [_front(f"{package}.{module.name}", _summary(module.doc))]
    out += _prose(module.doc.partition("\n\n")[2], links, place)
    for entry in module.entries:
        out += _entry(entry, links, place)
    ways = f"Next: [`{following.name}`]({following.page}). " if following else ""
    out.append(f"::: {{.ways}}\n{ways}All modules: [reference]({INDEX}).\n:::")
    return "\n\n".join(filter(None, out)) + "\n"


def _front(title: str, description: str) -> str:
    fields = yaml.safe_dump({"title": title, "description": description}, sort_keys=False, width=1000)
    return f"---\n{MARK}\n{fields}---"


def _entry(entry: Entry, links: Links, place: Place) -> Iterator[str]:
    """A name with all that its docstring says."""
    yield f"## {escape(entry.name)} {{#{entry.name}}}"
    if entry.is_variable:
        yield f"```python\n{entry.full_name}\n```"
        yield _about(entry, links, place, whole=True)
        return
    yield _signature(entry.full_name, entry.value)
    inner = replace(place, scopes=(f"{entry.name}.", *place.scopes), own=_own_names(entry))
    if bases := [base for base in getattr(entry.value, "__bases__", ()) if base.__name__ in links.classes]:
        yield "Based on " + " and ".join(links.code(base.__name__, place) for base in bases) + ", with its methods."
    yield from _docstring(entry, links, inner)
    for method in entry.methods:
        yield f"### {escape(method.name)} {{#{method.full_name}}}"
        yield _signature(method.full_name, method.value)
        yield from _docstring(method, links, replace(inner, own=_own_names(method)))


def _about(entry: Entry, links: Links, place: Place, whole: bool = False) -> str:
    """One line about a name, or `whole`, for a variable, all that there is to say."""
    if entry.doc:
        return links.text(entry.doc if whole else _summary(entry.doc), place)
    if isinstance(entry.value, dict):
        return f"A dictionary with the keys {', '.join(links.code(str(key), place) for key in entry.value)}."
    return f"See {links.code(type(entry.value).__name__, place)}." if entry.is_variable else ""


def _parameters(value: object) -> list[inspect.Parameter]:
    try:
        parameters = inspect.signature(value).parameters.values()
    except ValueError:  # an exception of Python's, under a name of its own
        return []
    return [parameter for parameter in parameters if parameter.name != "self"]


def _signature(name: str, value: object) -> str:
    parts = []
    for parameter in _parameters(value):
        if parameter.kind is parameter.KEYWORD_ONLY and not any(part.startswith("*") for part in parts):
            parts.append("*")
        if inspect.isroutine(parameter.default):
            parts.append(f"{parameter.name}={parameter.default.__name__}")  # not its address in memory
        else:
            parts.append(str(parameter.replace(annotation=parameter.empty)))
    line = f"{name}({', '.join(parts)})"
    if len(line) > WIDTH:
        line = f"{name}(\n{textwrap.indent(textwrap.fill(', '.join(parts), WIDTH - 4), '    ')}\n)"
    return f"```python\n{line}\n```"


def _own_names(entry: Entry) -> frozenset[str]:
    return frozenset({entry.name, *(parameter.name for parameter in _parameters(entry.value))})


def _docstring(entry: Entry, links: Links, place: Place) -> Iterator[str]:
    text, *rest = HEADING.split(entry.doc)
    sections = dict(zip(rest[::2], rest[1::2]))
    if attributes := _attributes(entry.value, sections.get("Attributes", "")):
        sections["Attributes"] = attributes
    yield from _prose(text, links, place)
    # The examples come last, as numpydoc has it.
    for title, body in sorted(sections.items(), key=lambda section: section[0] == "Examples"):
        yield f"**{title}**"
        if title in LISTS:
            yield from _items(title, body.strip("\n"), links, place)
        else:
            yield from _prose(body.strip("\n"), links, place)


def _attributes(value: object, written: str) -> str:
    """The attributes that a class's docstring lists, and its documented properties."""
    properties = {
        n: p.__doc__ for n, p in (vars(value) if inspect.isclass(value) else {}).items() if type(p) is property
    }
    for name, doc in properties.items():
        if doc and name[0] != "_" and not re.search(rf"^(.*, )?{name}\b", written, re.MULTILINE):
            written = f"{written.rstrip()}\n{name}\n{textwrap.indent(inspect.cleandoc(doc), '    ')}"
    return written


def _items(title: str, body: str, links: Links, place: Place) -> Iterator[str]:
    for item in re.split(r"\n(?=\S)", body):
        head, _, description = item.partition("\n")
        names, _, kind = head.partition(" : ")
        if title in ("Returns", "Yields") and not kind:
            names, kind = "", head
        term = ", ".join(links.code(name, place) for name in names.split(", ") if name)
        term += f" [{links.type(kind, place)}]{{.type}}" if kind else ""
        # A definition has to hold something; CSS takes a comment for nothing.
        definition = links.text(textwrap.dedent(description).strip(), place) or "<!-- -->"
        yield f"{term.strip()}\n:   {textwrap.indent(definition, '    ').strip()}"

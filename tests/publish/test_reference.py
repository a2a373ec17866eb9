"""The reference: what its pages take from the docstrings of a small package, and that none of nnlib's names is missing."""

import importlib
import pkgutil
import re
import sys
import textwrap
from inspect import ismodule

import pytest

import nnlib
from publish.errors import PublishError
from publish.reference import write

PACKAGE = '''
    """toys: a package for this test.

    First `shapes`, then `tools`. `missing` is no module, nor is `missing.too` or `Shape.draw`.
    In `rooms`: `rooms.attic`, `rooms.cellar`, `rooms.boiler`.

        import toys
    """
    from toys.rooms import cellar
    from toys.rooms.attic import area_of_box
    from toys.shapes import SIZES, Circle, Shape, ShapeError, area, unit

    __all__ = ["SIZES", "Circle", "Shape", "ShapeError", "area", "area_of_box", "cellar", "unit"]
'''
SHAPES = '''
    """Shapes, and what they cost at 5 $ each.

    See https://example.org/a_b, and more.
    """

    class Shape:
        """Something with an area.

        Attributes
        ----------
        sides : int

        Examples
        --------
        >>> import toys
        >>> shape = toys.Shape()
        >>> print("a"); print("b")  # doctest: +SKIP
        a
        b
        """

        @property
        def color(self):
            """Its color."""

        def draw(self, pen, *, width=1):
            """Draw it; see `area`, and nothing of `pen`."""

        def _hidden(self):
            """Not for users."""

        def undocumented(self):
            pass

    class ShapeError(ValueError):
        """No shape."""

    class _Round:
        def roll(self):
            """Roll."""

    class Circle(_Round, Shape):
        """Round."""

    def area(shape, unit="cm", precision=3, rounding=round, something_long=None, something_longer=None):
        """The area of a shape.

        Parameters
        ----------
        shape : Shape or {"a", "b"}
        unit, precision : str
            Whatever `Shape.draw` takes, such as

            - a pen.

        Raises
        ------
        ValueError
            For a `Circle`.

        Notes
        -----
        Euclid.

        Returns
        -------
        float in [0, inf)
        """

    unit = Circle()
    """The circle of radius 1."""

    SIZES = {"small": 1, "large": 2}
'''
TOOLS = '''
    """Tools."""

    from toys.shapes import area as other

    def hammer():
        """Hit.

        >>> 1 + 1
        2
        """

    def _secret():
        """Not for users."""
'''
ATTIC = '''
    """The attic."""

    from toys.rooms.cellar import area

    def area_of_box():
        """See `area`, `toys.area` and `toys.cellar.area`."""

    class Rafters:
        """Not for users."""
'''
CELLAR = '''
    """The cellar."""

    def area(depth):
        """What `toys.area` is above."""
'''
FILES = {
    "__init__": PACKAGE,
    "shapes": SHAPES,
    "tools": TOOLS,
    "left_out": '"""Left out."""',
    "rooms/__init__": '"""Rooms."""',
    "rooms/attic": ATTIC,
    "rooms/cellar": CELLAR,
    "rooms/boiler": 'def heat():\n    """Not for users."""',
}


@pytest.fixture
def toys(tmp_path, monkeypatch):
    """Write the package; return the folder for its pages."""
    (tmp_path / "toys/rooms").mkdir(parents=True)
    for name, text in FILES.items():
        (tmp_path / f"toys/{name}.py").write_text(textwrap.dedent(text).lstrip())
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "pages"
    for name in [name for name in sys.modules if name.split(".")[0] == "toys"]:
        del sys.modules[name]


def pages(folder):
    assert all(page.parent == folder for page in write("toys", folder, "toys"))
    return {page.stem: page.read_text() for page in folder.iterdir()}


def section(page, anchor):
    """A section of a page, down to the next heading."""
    return re.search(rf"^#+ .*\{{#{re.escape(anchor)}\}}\n(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL)[1]


def test_the_index_has_a_line_for_each_name_in_the_order_of_reading(toys):
    made = pages(toys)
    assert set(made) == {"index", "shapes", "tools", "rooms-attic", "cellar"}
    index = made["index"]
    assert "First [`shapes`](shapes.qmd), then [`tools`](tools.qmd). `missing` is no module" in index
    assert "```python\nimport toys\n```" in index
    order = ["## [shapes]", "#Shape)", "#Circle)", "#area)", "#unit)", "#SIZES)", "## [tools]", "#hammer)"]
    assert sorted(order, key=index.index) == order
    assert "[`area`](shapes.qmd#area)\n:   The area of a shape.\n" in index
    assert "Shapes, and what they cost at 5 \\$ each." in index
    assert "See <https://example.org/a_b>, and more." in made["shapes"]
    assert "Next: [`tools`](tools.qmd)." in made["shapes"]


def test_a_function_shows_all_that_its_docstring_says(toys):
    page = pages(toys)["shapes"]
    area = section(page, "area")
    assert area.startswith(
        "\n```python\ntoys.area(\n    shape, unit='cm', precision=3, rounding=round, something_long=None,\n"
    )
    assert '`shape` [[`Shape`](#Shape) or \\{\\"a\\", \\"b\\"\\}]{.type}\n:   <!-- -->' in area
    assert (
        "`unit`, `precision` [str]{.type}\n:   Whatever [`Shape.draw`](#Shape.draw) takes, such as\n\n    - a pen."
        in area
    )
    assert "**Raises**\n\n`ValueError`\n:   For a [`Circle`](#Circle)." in area
    assert "**Returns**\n\n[float in \\[0, inf\\)]{.type}\n:   <!-- -->" in area
    assert "**Notes**\n\nEuclid." in area


def test_a_class_shows_its_attributes_methods_and_bases(toys):
    page = pages(toys)["shapes"]
    shape = section(page, "Shape")
    assert "```python\ntoys.Shape()\n```" in shape
    assert "**Attributes**\n\n`sides` [int]{.type}\n:   <!-- -->\n\n`color`\n:   Its color." in shape
    draw = section(page, "Shape.draw")
    assert "Shape.draw(pen, *, width=1)" in draw
    assert "Draw it; see [`area`](#area), and nothing of `pen`." in draw
    assert "Based on [`Shape`](#Shape), with its methods." in section(page, "Circle")
    assert "Roll." in section(page, "Circle.roll")
    assert not re.search("hidden|undocumented|Circle.draw", page)


def test_an_exception_needs_no_signature_of_its_own(toys):
    page = pages(toys)["shapes"]
    assert section(page, "ShapeError").startswith("\n```python\ntoys.ShapeError()\n```\n\nNo shape.")


def test_code_stands_apart_from_what_it_prints(toys):
    made = pages(toys)
    output = "\n\n::: {.cell-output}\n```\na\nb\n```\n:::"
    assert 'shape = toys.Shape()\nprint("a"); print("b")\n```' + output in section(made["shapes"], "Shape")
    assert "```python\n1 + 1\n```\n\n::: {.cell-output}\n```\n2\n```\n:::" in section(made["tools"], "hammer")


def test_a_variable_is_told_by_the_string_below_it_or_by_what_it_holds(toys):
    page = pages(toys)["shapes"]
    assert "```python\ntoys.unit\n```\n\nThe circle of radius 1." in section(page, "unit")
    assert "A dictionary with the keys `small`, `large`." in section(page, "SIZES")


def test_a_module_without_names_in_all_shows_its_own_functions(toys):
    page = pages(toys)["tools"]
    assert "```python\ntoys.tools.hammer()\n```" in section(page, "hammer")
    assert not re.search("secret|other|area", page)


def test_a_module_in_a_folder_has_a_page_by_the_name_that_users_write(toys):
    made = pages(toys)
    links = "`rooms`: [`rooms.attic`](rooms-attic.qmd), [`rooms.cellar`](cellar.qmd), `rooms.boiler`."
    assert links in made["index"]
    assert "## [rooms.cellar](cellar.qmd)" in made["index"] and "title: toys.rooms.cellar" in made["cellar"]
    assert "```python\ntoys.area_of_box()\n```" in section(made["rooms-attic"], "area_of_box")
    assert "Rafters" not in made["rooms-attic"]
    assert "```python\ntoys.cellar.area(depth)\n```" in section(made["cellar"], "area")


def test_a_name_with_the_package_before_it_is_the_packages(toys):
    made = pages(toys)
    both = "[`toys.area`](shapes.qmd#area) and [`toys.cellar.area`](cellar.qmd#area)"
    assert f"See [`area`](shapes.qmd#area), {both}." in made["rooms-attic"]
    assert "What [`toys.area`](shapes.qmd#area) is above." in made["cellar"]


def test_pages_are_written_where_they_have_changed_and_old_ones_go(toys):
    write("toys", toys, "toys")
    (toys / "gone.qmd").write_text((toys / "tools.qmd").read_text())
    (toys / "by-hand.qmd").write_text("Mine.")
    (toys / "tools.qmd").write_text("changed")
    before = {page.name: page.stat().st_mtime_ns for page in toys.iterdir()}
    write("toys", toys, "toys")
    after = {page.name: page.stat().st_mtime_ns for page in toys.iterdir()}
    assert before.keys() - after.keys() == {"gone.qmd"}
    assert {name for name in after if after[name] != before[name]} == {"tools.qmd"}


def test_a_name_that_no_page_would_have_is_an_error(toys):
    init = toys.parent / "toys/__init__.py"
    init.write_text(init.read_text().replace("First `shapes`, then", "Only"))
    with pytest.raises(
        PublishError, match="no page of the reference has Circle, .*: name the module .* docstring of toys"
    ):
        write("toys", toys, "toys")


def test_every_public_name_of_nnlib_has_its_place(tmp_path):
    made = {page.stem: page.read_text() for page in write("nnlib", tmp_path)}
    headings = {
        re.search("^title: (.*)$", page, re.MULTILINE)[1]: set(re.findall(r"^## .* \{#(\w+)\}$", page, re.MULTILINE))
        for page in made.values()
    }
    modules = {module.name for module in pkgutil.walk_packages(nnlib.__path__, "nnlib.") if not module.ispkg}
    pages_of = headings.keys() - {"Reference"}
    assert pages_of <= modules
    assert not [name for name in modules - pages_of if name.count(".") == 1], "name it in the docstring of nnlib"
    names = {name for name in {*nnlib.__all__, *dir(nnlib)} if name[0] != "_" and not ismodule(getattr(nnlib, name))}
    assert names <= set.union(*headings.values())
    for name in pages_of:
        assert set(getattr(importlib.import_module(name), "__all__", [])) <= headings[name], name
    assert {"plots", "estimators", "parallel"} <= made.keys() and "nn.plots.scatter(" in made["plots"]
    for name, page in made.items():
        for target, anchor in re.findall(r"\]\(([\w.-]*)#([\w.]+)\)", page):
            assert f"{{#{anchor}}}" in made[target.removesuffix(".qmd") or name]

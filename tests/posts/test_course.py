"""The posts as a course: their order, what comes before and after, and the times that the pages state."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORDS_A_MINUTE, LINES_A_MINUTE = 200, 20


class Post:
    def __init__(self, path):
        self.slug, self.text = path.parent.name, path.read_text(encoding="utf-8")
        self.front = yaml.safe_load(self.text.split("\n---\n")[0])
        [self.course] = re.findall(r"^::: \{\.course\}\n(.*?)^:::", self.text, re.DOTALL | re.MULTILINE) or [""]

    @property
    def minutes(self):
        """To read the prose and the code, without the exercises' work."""
        code = "".join(re.findall(r"^```\{python\}(.*?)^```", self.text, re.DOTALL | re.MULTILINE))
        prose = re.sub(r"^```.*?^```", "", self.text.split("\n---\n", 1)[1], flags=re.DOTALL | re.MULTILINE)
        return len(prose.split()) / WORDS_A_MINUTE + code.count("\n") / LINES_A_MINUTE


POSTS = sorted(map(Post, ROOT.glob("posts/*/index.qmd")), key=lambda post: post.front["order"])
INDEX = (ROOT / "index.qmd").read_text(encoding="utf-8")
each = pytest.mark.parametrize("number, post", list(enumerate(POSTS, start=1)), ids=[post.slug for post in POSTS])


def test_the_learning_path_names_every_post_in_order():
    path = INDEX.split("## Learning path")[1].split("\n## ")[0]
    assert re.findall(r"^\d+\. \[.*?\]\(posts/(.*?)/index\.qmd\)", path, re.MULTILINE) == [post.slug for post in POSTS]


@each
def test_a_post_says_where_it_stands(number, post):
    assert post.front["order"] == number
    assert f"**Step {number} of {len(POSTS)}**" in post.course
    assert "Before this:" in post.course
    assert "(../../notation.qmd)" in post.course


@each
def test_what_a_post_builds_on_comes_before_it(number, post):
    earlier = {other.slug for other in POSTS[: number - 1]}
    assert set(re.findall(r"\(\.\./([\w-]+)/index\.qmd", post.course)) <= earlier


@each
def test_a_post_leads_on_to_the_next(number, post):
    next_words = re.search(r"^## What comes next.*?(?=^## )", post.text, re.DOTALL | re.MULTILINE)[0]
    if number < len(POSTS):
        assert f"(../{POSTS[number].slug}/index.qmd" in next_words


@each
def test_the_stated_times_are_those_of_the_text(number, post):
    here = int(re.search(r"about (\d+) minutes", post.course)[1])
    in_path = int(re.search(rf"\(posts/{post.slug}/index\.qmd\), (\d+) min", INDEX)[1])
    assert here == in_path
    assert abs(here - post.minutes) <= 5, f"{post.slug} takes {post.minutes:.0f} minutes"

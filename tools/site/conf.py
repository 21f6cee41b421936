"""Sphinx's settings, and links from names in code to the reference."""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import desc, index, pending_xref
from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tools.site.cdk_names import cdk_address  # noqa: E402 - Sphinx runs this file without the project's path
from tools.site.public_api import public_api  # noqa: E402
from tools.site.search_words import SPLITTER, is_status, words  # noqa: E402

project = "fargate_constructs"
author = "The authors of fargate_constructs"
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
extensions = ["myst_parser"]
myst_enable_extensions = ["alert", "attrs_inline", "colon_fence", "deflist", "linkify"]
myst_heading_anchors = 5
myst_linkify_fuzzy_links = False
html_theme = "furo"
html_title = f"fargate_constructs {version}"
html_favicon = "static/favicon.svg"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
highlight_language = "none"  # of blocks that name none
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_theme_options = {
    "source_repository": "https://github.com/fargate-constructs/fargate-constructs/",
    "source_branch": "main",
    "top_of_page_buttons": [],
}
toc_object_entries_show_parents = "hide"
python_display_short_literal_types = True
suppress_warnings = ["misc.highlighting_failure"]  # languages that pygments lacks, such as mermaid
nitpicky = True

api = public_api()
MEMBERS = {
    f"{each.name}": f"{entry.module}.{each.name}" for entry in api.entries for each in (entry, *entry.members)
} | {f"{entry.module}.{entry.name}": f"{entry.module}.{entry.name}" for entry in api.entries}
CALL = re.compile(r"(?P<name>[A-Za-z_][\w.]*)(?:\(.*\))?", re.DOTALL)


def address_of(code: str) -> tuple[str | None, str | None]:
    """Return what code in a text names: a name of the reference, or the address of one of CDK's."""
    found = CALL.fullmatch(code)
    if not found:
        return None, None
    name = found["name"]
    module, _, rest = name.partition(".")
    return MEMBERS.get(name), cdk_address(f"{api.cdk_modules[module]}.{rest}") if module in api.cdk_modules else None


def link_names(app: Sphinx, doctree: nodes.document) -> None:
    """Make the first mention of a public name in each section a link."""
    seen = set()
    for literal in list(doctree.findall(nodes.literal)):
        ancestors = list(_ancestors(literal))
        if any(isinstance(each, nodes.reference | pending_xref | nodes.title) for each in ancestors):
            continue
        own, foreign = address_of(literal.astext())
        section = next((each for each in ancestors if isinstance(each, nodes.section | nodes.row)), None)
        if not (own or foreign) or (id(section), own or foreign) in seen:
            continue
        seen.add((id(section), own or foreign))
        link: Any
        if own:
            options = {"refdomain": "py", "reftype": "obj", "reftarget": own, "refexplicit": True, "refwarn": True}
            link = pending_xref("", refdoc=app.env.docname, **options)
        else:
            link = nodes.reference("", "", internal=False, refuri=foreign)
        literal.replace_self(link)
        link += literal


def index_arguments(app: Sphinx, doctree: nodes.document) -> None:
    """Let the search and the index find each argument."""
    entries = app.env.get_domain("index").entries.setdefault(app.env.docname, [])
    for inline in list(doctree.findall(nodes.inline)):
        description = next((each for each in _ancestors(inline) if isinstance(each, desc)), None)
        if "argument" in inline["classes"] and description:
            name = inline.astext()
            # A word such as `network` is mostly searched for as a word, `memory_limit_mib` as an argument.
            is_first = "_" in name and description["objtype"] == "class"
            at = (inline["ids"][0], "main" if is_first else "", None)
            entries.append(("single", f"{name}; of {description[0]['fullname']}", *at))
            # For the search, in which `HttpEndpoint` leads to the class, not to each of its arguments.
            inline.parent.insert(0, index(entries=[("single", name, *at)]))


def is_searchable(language: SearchEnglish, word: str) -> bool:
    """Return whether a word is found."""
    return is_status(word) or not (word.isdigit() or word in language.stopwords)


def _ancestors(node: nodes.Node) -> Iterator[nodes.Node]:
    while node.parent is not None:
        node = node.parent
        yield node


def set_language(_app: Sphinx, pagename: str, _template: str, context: dict[str, Any], _doctree: object) -> None:
    """Name the language of a translated page, which is the name of its folder."""
    folder, _, _ = pagename.rpartition("/")
    if re.fullmatch(r"[a-z]{2}", folder):
        context["language"] = folder


def setup(app: Sphinx) -> None:
    """Connect the above."""
    SearchEnglish.split = lambda _language, text: list(words(text))
    SearchEnglish.js_splitter_code = SPLITTER
    SearchEnglish.word_filter = is_searchable
    app.connect("doctree-read", link_names)
    app.connect("doctree-read", index_arguments)
    app.connect("html-page-context", set_language)

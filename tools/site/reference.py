"""The API reference as Markdown for Sphinx: one page for each part, from what `public_api` read.

```
Entry ──> [reference] ──> reference/service.md, reference/endpoint.md, ...
```
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.site.cdk_names import cdk_address
from tools.site.pages import REPOSITORY, ROOT, navigation, title
from tools.site.pages import site_path as page_path
from tools.site.public_api import MODULES, PACKAGE, Argument, Entry, PublicApi, Type

# The page of each folder of the package: the file's name, the title, and what it is about. A folder that is not here
# belongs to the page of the folder above it.
PAGES = {
    "": ("web-service", "Web services in one line", "All parts with their defaults, and what acts on whole stacks."),
    "service": ("service", "Services", "What runs, and how it is sized, scaled, checked and linked."),
    "service.deployments": ("deployments", "Deployments", "How a new version takes over, and when it is rolled back."),
    "service.containers": ("containers", "Containers", "Options of containers that have settings of their own."),
    "service.jobs": ("jobs", "Jobs", "Tasks that end: on a schedule, by events, and before deployments."),
    "service.queues": ("workers", "Queue workers", "Workers that scale on the messages of a queue."),
    "endpoint": ("endpoint", "Endpoints", "How callers arrive."),
    "network": ("network", "Networks", "How tasks leave."),
    "logs": ("logs", "Logs", "Where logs go."),
    "monitoring": ("monitoring", "Monitoring", "One dashboard, and few alarms."),
    "adoption": ("adoption", "Adoption", "What keeps deployed resources when a stack moves here."),
    "testing": ("testing", "Assertions for tests", "What a team's own tests call, from `fargate_constructs.testing`."),
    "caveats": ("caveats", "The cdk-nag pack", "What finds problems in any app, from `fargate_constructs.caveats`."),
}
SHOWN_ARGUMENTS = 5  # in the line with the name; with more, only the required ones
SHOWN_GUIDES = 3
NO_GUIDES = ("Start", "日本語", "Recipes", "Reference", "Decisions")  # groups of pages that explain no part
OPENING = 800  # characters, in which a guide names what it is about


def write_reference(folder: Path, api: PublicApi) -> None:
    """Write all pages."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in reference_pages(api).items():
        (folder / f"{name}.md").write_text(text)


def reference_pages(api: PublicApi) -> dict[str, str]:
    """Return the text of each page by its name; `index` lists the others."""
    groups: dict[str, list[Entry]] = {folder: [] for folder in PAGES}
    for entry in sorted(api.entries, key=_order):
        is_of_module = entry.module in MODULES[1:]
        groups[entry.module.rpartition(".")[2] if is_of_module else folder_of(entry.path)].append(entry)
    writer = Writer(api.public_names, guides_of([each.name for each in api.entries if "." not in each.name]))
    pages = {PAGES[folder][0]: "\n".join(writer.page(folder, entries)) for folder, entries in groups.items()}
    return pages | {"index": "\n".join(writer.index(groups))}


def folder_of(path: str) -> str:
    """Return the folder in `PAGES` that a name of the package belongs to."""
    folder = path.removeprefix(f"{PACKAGE}.").rpartition(".")[0]
    while folder not in PAGES:
        folder = folder.rpartition(".")[0]
    return folder


def guides_of(names: list[str]) -> dict[str, list[str]]:
    """Return the guides of each name: the pages that open with it, then those that have it most often.

    The program that the blocks of a page continue, which is folded, does not count.
    """
    guides = [page for group, pages in navigation().items() if group not in NO_GUIDES for page in pages]
    texts = {each: re.sub("<details>.*?</details>", "", (ROOT / each).read_text(), flags=re.DOTALL) for each in guides}
    places: dict[str, dict[str, list[int]]] = {name: {} for name in names}
    for page, text in texts.items():
        for word in re.finditer(r"\w+", text):
            if word[0] in places:
                places[word[0]].setdefault(page, []).append(word.start())
    ranked = {
        name: sorted((starts[0] > OPENING, -len(starts), page) for page, starts in pages.items())
        for name, pages in places.items()
    }
    return {name: [page for _, _, page in pages[:SHOWN_GUIDES]] for name, pages in ranked.items()}


class Writer:
    """Writes entries as Markdown.

    Args:
        public_names: The public name of each full path.
        guides: The guides of each public name, as paths in the repository.
    """

    def __init__(self, public_names: Mapping[str, str], guides: Mapping[str, list[str]]) -> None:
        self._public_names = public_names
        self._guides = guides

    def index(self, groups: Mapping[str, list[Entry]]) -> Iterator[str]:
        """Yield the lines of the first page."""
        yield "# API reference"
        yield ""
        yield "Each public name with its arguments, from the docstrings and types of the source. Types of CDK lead to"
        yield "[CDK's own reference](https://docs.aws.amazon.com/cdk/api/v2/python/)."
        yield ""
        for folder, entries in groups.items():
            page, heading, about = PAGES[folder]
            names = ", ".join(
                _reference(f"{each.module}.{each.name}", each.name) for each in entries if _is_public(each)
            )
            yield f"**[{heading}]({page}.md)**\n: {about}\n  {names}\n"
        yield "```{toctree}\n:hidden:\n:titlesonly:\n"
        yield from (f"{heading} <{page}>" for page, heading, _ in PAGES.values())
        yield "```"

    def page(self, folder: str, entries: list[Entry]) -> Iterator[str]:
        """Yield the lines of a part's page: constructs, then what they take, then what methods return."""
        _, heading, about = PAGES[folder]
        yield f"# {heading}"
        yield ""
        yield f"{about}"
        yield ""
        for entry in filter(_is_public, entries):
            yield from self._entry(entry)
        returned = [each for each in entries if not _is_public(each)]
        if returned:
            yield "\n## What methods and attributes return\n"
            for entry in returned:
                yield from self._entry(entry)

    def _entry(self, entry: Entry) -> Iterator[str]:
        yield f"::::::::{{py:{entry.kind}}} {entry.name}{_signature(entry)}"
        yield f":module: {entry.module}"
        yield ""
        yield from self._description(entry)
        for kinds, heading in (
            (("classmethod",), "Class methods"),
            (("method",), "Methods"),
            (("property", "attribute"), "Attributes"),
        ):
            if members := [each for each in entry.members if each.kind in kinds]:
                yield f":::{{rubric}} {heading}\n:::\n"
                for member in members:
                    yield from self._member(member, entry)
        yield "::::::::\n"

    def _member(self, member: Entry, owner: Entry) -> Iterator[str]:
        name = member.name.removeprefix(f"{owner.name}.")
        yield f"::::::{{py:{member.kind}}} {name}{_signature(member)}"
        yield ""
        yield from self._description(member)
        yield "::::::\n"

    def _description(self, entry: Entry) -> Iterator[str]:
        """Yield what an entry is, its arguments, what it returns, and its exceptions."""
        is_value = entry.arguments is None
        if entry.type and is_value:
            yield f"[{self._type(entry.type)}]{{.value-type}}\n"
        yield f"{_with_pages(entry.text)}\n"
        if guides := self._guides.get(entry.name):
            links = ", ".join(f"[{title(each)}](../{page_path(each)}.md)" for each in guides)
            yield f"Guides: {links}\n"
        if entry.arguments:
            yield ":::{rubric} Arguments\n:class: part\n:::\n"
            for argument in entry.arguments:
                yield from self._argument(argument, entry)
        if entry.type and not is_value:
            yield f"Returns\n: {self._type(entry.type)}{': ' if entry.returned else ''}{entry.returned}\n"
        if entry.raises:
            yield "Raises\n" + "\n".join(f": `{name}`: {_with_pages(text)}\n" for name, text in entry.raises)
        yield f"[Source]({REPOSITORY}/{entry.place}){{.source}}\n"

    def _argument(self, argument: Argument, entry: Entry) -> Iterator[str]:
        anchor = f"{entry.name}-{argument.name.strip('*')}".replace(".", "-")
        default = f" = {argument.default}" if argument.default else ""
        type_ = self._type(((": ", None), *argument.type, (default, None)))
        mark = " [required]{.required}" if argument.default is None else ""
        yield f"[`{argument.name}`]{{#{anchor} .argument}}{type_}{mark}"
        yield f": {_with_pages(argument.description)}\n"

    def _type(self, pieces: Type) -> str:
        """Return a type as Markdown, in which names are links."""
        text, plain = "", ""
        for piece, path in pieces:
            address = cdk_address(path or "")
            if path and path in self._public_names:
                link = _reference(self._public_names[path], piece)
            elif address:
                link = f"[`{piece}`]({address})"
            else:
                plain += piece
                continue
            text += _code(plain) + link
            plain = ""
        return text + _code(plain)


def _order(entry: Entry) -> tuple[int, int, str]:
    """Let constructs be first, then other classes, functions, constants; of each, those with the most arguments."""
    arguments = [each.name for each in entry.arguments or ()]
    rank = 0 if arguments[:1] == ["scope"] else {"class": 1, "function": 2}.get(entry.kind, 3)
    return rank, -len(arguments), entry.name


def _code(text: str) -> str:
    return f"`` {text} ``" if text else ""


def _with_pages(text: str) -> str:
    """Return text in which guides that are named by their file, such as docs/routes.md, are links."""
    return re.sub(r"`?(docs/[\w/-]+\.md)`?", lambda each: f"[{title(each[1])}](../{page_path(each[1])}.md)", text)


def _reference(target: str, text: str) -> str:
    return f"{{py:obj}}`{text} <{target}>`"


def _is_public(entry: Entry) -> bool:
    return entry.module in MODULES


def _signature(entry: Entry) -> str:
    """Return the arguments of a name in its heading: all of a few, otherwise the required ones."""
    if entry.arguments is None:
        return ""
    shown = entry.arguments
    if len(shown) > SHOWN_ARGUMENTS:
        shown = [each for each in shown if each.default is None]
    texts = [each.name if not each.default else f"{each.name}={each.default}" for each in shown]
    first = next((at for at, each in enumerate(shown) if each.keyword_only), len(shown))
    if first < len(shown) and not any(each.name.startswith("*") for each in shown):
        texts.insert(first, "*")
    if len(shown) < len(entry.arguments):
        texts.append("...")
    return f"({', '.join(texts)})"

"""Write out the arguments that one signature takes from another, so that `help()` and editors show all of them.

```
FargateTask, HttpEndpoint ──> [signatures] ──> FargateService, OneOffTask, ScheduledTask, FargateWebService
```

A comment in a signature names the source: `# From FargateTask, by make signatures:`. This tool writes the lines below
the comment, up to the next comment, and the entries of these arguments in the docstring. It writes no argument that the
signature has elsewhere; `# From FargateTask without health_check, by ...` leaves out others.
"""

import ast
import re
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "fargate_constructs"
MARK = re.compile(r" +# From ([\w.]+)(?: without ([\w, ]+))?, by make signatures:(?:  # noqa: E501)?$")
WIDTH = 120

Edit = tuple[int, int, list[str]]


def files() -> dict[Path, str]:
    """Return the package's files and their text."""
    return {path: path.read_text() for path in sorted(PACKAGE.rglob("*.py"))}


def write_out(texts: Mapping[Path, str]) -> dict[Path, str]:
    """Return the text of each file with its arguments written out; a source may itself take some from another."""
    written = dict(texts)
    for _ in range(3):  # Container ──> FargateTask ──> FargateService ──> FargateWebService
        sources = Sources(written)
        written = {path: _write_out(text, sources) for path, text in written.items()}
    return written


class Sources:
    """The parameters of all classes and methods, and the documentation of each.

    Args:
        texts: The files' texts by path.
    """

    def __init__(self, texts: Mapping[Path, str]) -> None:
        self._classes = {
            node.name: (text, node)
            for text in texts.values()
            for node in _parsed(text).body
            if isinstance(node, ast.ClassDef)
        }

    def find(self, name: str) -> tuple[dict[str, str], dict[str, list[str]]]:
        """Return the keyword-only parameters of a class or a `Class.method` as text, and their documentation."""
        owner, _, method = name.partition(".")
        text, class_ = self._classes[owner]
        methods = {each.name: each for each in class_.body if isinstance(each, ast.FunctionDef)}
        parameters: dict[str, str] = {}
        entries: dict[str, list[str]] = {}
        if function := methods.get(method or "__init__"):
            pairs = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
            found = [(each.arg, each.annotation, default) for each, default in pairs]
        else:  # a dataclass
            for base in class_.bases:
                parameters, entries = self.find(ast.unparse(base))
            fields = [each for each in class_.body if isinstance(each, ast.AnnAssign)]
            found = [(ast.unparse(each.target), each.annotation, each.value) for each in fields]
        parameters |= {
            name: f"{name}: " + " = ".join(" ".join(_segment(text, part).split()) for part in parts if part)
            for name, *parts in found
        }
        _, _, own = _arguments_of(text.split("\n"), methods[method] if method else _documented(class_))
        return parameters, entries | own


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


def _segment(text: str, node: ast.expr) -> str:
    # `ast.get_source_segment` reads each character of the text. Columns count bytes.
    lines = text.encode().split(b"\n")[node.lineno - 1 : node.end_lineno]
    lines[-1] = lines[-1][: node.end_col_offset]
    lines[0] = lines[0][node.col_offset :]
    return b"\n".join(lines).decode()


def _write_out(text: str, sources: Sources) -> str:
    lines = text.split("\n")
    edits = chain.from_iterable(
        _edits(lines, function, documented, sources) for function, documented in _functions(_parsed(text))
    )
    for start, end, new in sorted(edits, reverse=True):
        lines[start:end] = new
    return "\n".join(lines)


def _functions(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, ast.FunctionDef | ast.ClassDef]]:
    """Yield each method, and what has its documentation."""
    for class_ in tree.body:
        if isinstance(class_, ast.ClassDef):
            functions = [each for each in class_.body if isinstance(each, ast.FunctionDef)]
            yield from ((each, _documented(class_) if each.name == "__init__" else each) for each in functions)


def _documented(class_: ast.ClassDef) -> ast.FunctionDef | ast.ClassDef:
    """Return what documents the arguments of a class: its constructor if that has a docstring, or else the class."""
    functions = [each for each in class_.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
    return next((each for each in functions if ast.get_docstring(each)), class_)


def _edits(
    lines: list[str], function: ast.FunctionDef, documented: ast.FunctionDef | ast.ClassDef, sources: Sources
) -> Iterator[Edit]:
    """Yield which lines of a signature and of its documentation are to be replaced by which."""
    end = function.body[0].lineno - 1
    marks = [(line, mark) for line in range(function.lineno, end) if (mark := MARK.match(lines[line]))]
    if not marks:
        return
    written: dict[int, int] = {
        line: next(each for each in range(line + 1, end) if lines[each].lstrip().startswith(("#", ")")))
        for line, _ in marks
    }
    parameters = [*function.args.args, *function.args.kwonlyargs]
    own = {
        each.arg: each.lineno - 1
        for each in parameters
        if not any(start < each.lineno - 1 < stop for start, stop in written.items())
    }
    start, stop, entries = _arguments_of(lines, documented)
    places = {own[name]: {name: entry} for name, entry in entries.items() if name in own}
    for line, mark in marks:
        taken, documentation = sources.find(mark[1])
        names = taken.keys() - own.keys() - {*(mark[2] or "").split(", ")}
        yield line + 1, written[line], [f"        {text}," for name, text in taken.items() if name in names]
        places[line] = {name: documentation.get(name, []) for name in taken if name in names}
    indent = re.match(" *", lines[start - 1])[0] + "    "  # type: ignore[index] # matches always
    ordered = [entry for _, group in sorted(places.items()) for entry in group.values()]
    yield start, stop, [line for entry in ordered for line in _wrapped(entry, indent)]


def _wrapped(entry: list[str], indent: str) -> list[str]:
    text = " ".join(line.strip() for line in entry)
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _arguments_of(
    lines: list[str], documented: ast.FunctionDef | ast.ClassDef
) -> tuple[int, int, dict[str, list[str]]]:
    """Return where the documentation of arguments begins and ends, and the lines about each argument."""
    docstring = documented.body[0]
    start = next(each for each in range(docstring.lineno, docstring.end_lineno or 0) if lines[each].strip() == "Args:")
    indent = re.match(" *", lines[start])[0] + "    "  # type: ignore[index] # matches always
    stop = next(each for each in range(start + 1, len(lines)) if not lines[each].startswith(indent))
    entries: dict[str, list[str]] = {}
    for line in lines[start + 1 : stop]:
        if not line.startswith(f"{indent} "):
            entries[name := line.strip().partition(":")[0]] = []
        entries[name].append(line)
    return start + 1, stop, entries


def main() -> None:
    """Write the files."""
    texts = files()
    for path, text in write_out(texts).items():
        if text != texts[path]:
            path.write_text(text)
            print(f"wrote {path.relative_to(PACKAGE.parent)}")


if __name__ == "__main__":
    main()

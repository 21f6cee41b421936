"""What no test runs fails `make test`, by name."""

import json
from pathlib import Path

import pytest

from tools import untested

WHOLE: dict[str, object] = {"missing_lines": [], "missing_branches": []}
PARTLY: dict[str, object] = {"missing_lines": [3], "missing_branches": [[12, 15], [20, 0]]}


@pytest.mark.parametrize(
    ("files", "printed"),
    [
        ({"shop/a.py": WHOLE, "shop/b.py": WHOLE}, "0 of 2 modules are not tested whole\n"),
        (
            {"shop/a.py": PARTLY},
            (
                "shop/a.py: line 3, branch 12->15, branch 20->exit\n"
                "shop/b.py: no test imports it\n"
                "2 of 2 modules are not tested whole\n"
            ),
        ),
    ],
    ids=["whole", "partly"],
)
def test_untested_parts_are_named(
    files: dict[str, object],
    printed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Lines, branches, and modules that no test imports."""
    monkeypatch.chdir(tmp_path)
    Path("shop").mkdir()
    Path("shop/a.py").touch()
    Path("shop/b.py").touch()
    Path("report.json").write_text(json.dumps({"files": files}))
    monkeypatch.setattr(untested, "PACKAGE", Path("shop"))
    monkeypatch.setattr("sys.argv", ["untested", "report.json"])

    with pytest.raises(SystemExit) as stopped:
        untested.main()

    assert capsys.readouterr().out == printed
    assert stopped.value.code == (len(files) == 1)

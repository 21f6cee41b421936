"""Prices of another region."""

import json
from pathlib import Path
from typing import Any

import pytest

from fargate_constructs.costs.price_list import DEFAULT, STANDING, USAGE, read_prices


def written(folder: Path, content: Any) -> Path:  # noqa: ANN401 - what JSON has
    """Return a file of prices."""
    file = folder / "prices.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_prices_of_a_file(tmp_path: Path) -> None:
    """They replace the list's; what the file does not have is named."""
    prices = {"NAT gateway": 0.048, "data to the internet": 0.08, "vCPU": 0.04656}
    found = read_prices(written(tmp_path, {"region": "eu-west-1", "date": "2026-11", "prices": prices}))

    assert (found.region, found.standing["NAT gateway"].usd) == ("eu-west-1", 0.048)
    assert found.usage["data to the internet"].usd == 0.08
    assert found.standing["alarm"] == DEFAULT.standing["alarm"]
    assert found.usd_a_month("CPU unit", 1024) == pytest.approx(0.04656 * 730)
    assert set(found.defaults) == {*STANDING, *USAGE} - prices.keys() - {"CPU unit"}
    assert found.usd_a_month("NAT gateway", 2) == pytest.approx(2 * 0.048 * 730)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "--prices must be a file of JSON, got .*prices.json: Expecting"),
        ([], '--prices must have "region", "date" and "prices", got .*prices.json with list; `fargate-constructs plan'),
        ({"region": "a"}, "got .*prices.json with region; "),
        ({"region": "a", "date": "b", "prices": {"Nat": 1}}, "prices must be of load balancer, .*, got: Nat"),
        ({"region": "a", "date": "b", "prices": {"alarm": "1"}}, "prices must be numbers in USD, .* got '1' for alarm"),
        ({"region": "a", "date": "b", "prices": {"alarm": True}}, "got True for alarm"),
        ({"region": "a", "date": "b", "prices": {"alarm": -1}}, "got -1 for alarm"),
    ],
)
def test_other_files_are_refused(content: Any, message: str, tmp_path: Path) -> None:  # noqa: ANN401 - what JSON has
    """With what is wrong, and where to take it from."""
    with pytest.raises(ValueError, match=message):
        read_prices(written(tmp_path, content))

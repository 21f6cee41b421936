"""Batches as CloudWatch Logs delivers them, the same in every run.

```
random seed ──> log lines ──> [Corpus: JSON, gzip, base64] ──> shipper
```
"""

import base64
import gzip
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

START = 1_772_323_500_000  # 2026-03-01T00:05:00Z
SEED = 20260301
FLUSH_MS = 5_000  # the interval at which the log driver of ECS sends its buffer


@dataclass(frozen=True)
class Corpus:
    """A batch of log lines.

    Args:
        name: What kind of lines they are.
        events: The number of lines.
        line: Makes one line from a random generator and a time in milliseconds.
    """

    name: str
    events: int
    line: Callable[[random.Random, int], str]

    @cached_property
    def text(self) -> bytes:
        """The batch as JSON."""
        chance = random.Random(SEED)  # noqa: S311 -- the same lines in each run, no secret
        timestamps = sorted(START + chance.randrange(self.events * 10) for _ in range(self.events))
        put_log_events: dict[int, int] = {}
        events = []
        for number, timestamp in enumerate(timestamps):
            # As in real event IDs: the time in the upper bits, then a part that one PutLogEvents shares, and a count.
            shared = put_log_events.setdefault(timestamp // FLUSH_MS, chance.getrandbits(144))
            event_id = (timestamp << 144) + shared + number
            events.append({"id": str(event_id), "timestamp": timestamp, "message": self.line(chance, timestamp)})
        batch = {
            "messageType": "DATA_MESSAGE",
            "owner": "111122223333",
            "logGroup": "/ecs/Example-ShopWeb",
            "logStream": "web/app/3f1c9d7b2a5e4c6f8d0b1e2a3c4d5e6f",
            "subscriptionFilters": ["Example-LogArchive"],
            "logEvents": events,
        }
        return json.dumps(batch, ensure_ascii=False, separators=(",", ":")).encode()

    @cached_property
    def data(self) -> str:
        """The value of `awslogs.data` in the function's event."""
        return base64.b64encode(gzip.compress(self.text, 6)).decode()


def json_line(chance: random.Random, timestamp: int) -> str:
    """Return a line of a web application that logs JSON; one in thirty has a stack trace."""
    pick = chance.choice
    record = {
        "time": timestamp / 1000,
        "level": chance.choices(["INFO", "DEBUG", "WARNING", "ERROR"], [80, 10, 7, 3])[0],
        "logger": pick(["shop.orders", "shop.cart", "shop.payment", "shop.http", "sqlalchemy.engine"]),
        "request_id": f"{chance.getrandbits(128):032x}",
        "method": pick(["GET", "GET", "GET", "POST", "PUT"]),
        "path": f"/api/{pick(['orders', 'carts', 'users', 'products'])}/{chance.randrange(10**6)}",
        "status": chance.choices([200, 201, 304, 404, 500], [80, 8, 5, 5, 2])[0],
        "duration_ms": round(chance.lognormvariate(3, 1), 2),
        "client": f"10.0.{chance.randrange(256)}.{chance.randrange(256)}",
        "user_agent": pick(["Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X)", "curl/8.5.0", "okhttp/4.12.0"]),
        "message": pick(["request handled", "cache miss", "item added to cart", "payment authorised", "slow query"]),
    }
    if record["level"] == "ERROR":
        record["exception"] = (
            "Traceback (most recent call last):\n"
            f'  File "/app/shop/http.py", line {chance.randrange(400)}, in handle\n'
            '    raise TimeoutError("upstream")\n'
            "TimeoutError: upstream"
        )
    return json.dumps(record)


def access_line(chance: random.Random, timestamp: int) -> str:
    """Return a line of an access log whose paths, users and clients are Japanese and emoji."""
    words = ["注文", "検索", "商品", "カート", "会員登録", "お気に入り", "配送状況", "東京", "大阪", "冬物セール"]
    emoji = ["🎉", "🛒", "🚀", "✨", "😀", "🇯🇵"]
    seconds = timestamp // 1000 % 3600
    query = "".join(chance.choices(words, k=3)) + chance.choice(emoji)
    client = "".join(chance.choices(words, k=4)) + "".join(chance.choices(emoji, k=3))
    return (
        f"10.0.{chance.randrange(256)}.{chance.randrange(256)} - {chance.choice(['田中', '佐藤', '鈴木', '-'])} "
        f"[01/Mar/2026:00:{seconds // 60:02}:{seconds % 60:02} +0000] "
        f'"GET /{chance.choice(words)}/{chance.choice(words)}?q={query} HTTP/1.1" '
        f"{chance.choice([200, 200, 200, 304, 404])} {chance.randrange(100_000)} "
        f'"https://例え.jp/{chance.choice(words)}" "{client}"'
    )


CORPORA = (
    Corpus("JSON logs", 10, json_line),
    Corpus("JSON logs", 1_000, json_line),
    Corpus("JSON logs", 10_000, json_line),
    Corpus("Japanese access log", 10_000, access_line),
)

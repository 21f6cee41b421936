"""Send failed batches to the shipper again, and delete each one when it is stored.

```
failure bucket ──> [replay Lambda] ──> shipper Lambda ──> S3
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .failures import replay_all

if TYPE_CHECKING:
    from .failures import Context


def handler(_event: object, context: Context) -> dict[str, int]:
    """Replay as much as time allows; return how many failures were replayed, and how many still wait.

    Raises:
        botocore.exceptions.BotoCoreError: S3 cannot be reached.
        botocore.exceptions.ClientError: S3 refuses to list the failures.
    """
    return replay_all(context)

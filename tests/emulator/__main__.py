"""`python -m tests.emulator`: the demo, which Ctrl-C ends without a traceback, also while it is imported."""

import sys

try:
    from tests.emulator import demo
except KeyboardInterrupt:
    sys.exit(130)

sys.exit(demo.main())

"""`python -m tests.emulator`: the demo, which Ctrl-C ends without a traceback, also while it is imported."""

import sys

try:
    from tests.emulator import demo
    from tests.own_settings import forget_persons
except KeyboardInterrupt:
    sys.exit(130)

forget_persons()
sys.exit(demo.main())

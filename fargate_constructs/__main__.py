"""`python -m fargate_constructs`: the command line."""

import sys

from fargate_constructs.cli import main

if __name__ == "__main__":
    sys.exit(main())

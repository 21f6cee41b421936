"""An app that imports names and makes nothing: `python -m benchmarks.apps.imports aws_cdk aws_ec2 aws_ecs`."""

import sys
from importlib import import_module

if __name__ == "__main__":
    package, *names = sys.argv[1:]
    for name in names:
        getattr(import_module(package), name)

"""AWS CDK constructs that make Fargate behave.

```
caller ──> HttpEndpoint ──> FargateService ──> FixedEgressNetwork ──> internet, from known Elastic IPs
                                  │ stdout
                                  v
                              LogArchive ──> S3
```
"""

from fargate_constructs._core.lazy_imports import names_in_stub

__getattr__, __dir__, __all__ = names_in_stub(__name__)
del names_in_stub

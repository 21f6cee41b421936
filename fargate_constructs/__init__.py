"""AWS CDK constructs that make Fargate behave.

```
caller ──> HttpEndpoint ──> FargateService ──> FixedEgressNetwork ──> the world, from known Elastic IPs
                                  │ stdout
                                  v
                              LogArchive ──> S3
```
"""

from fargate_constructs.endpoint import HttpEndpoint
from fargate_constructs.logs import LogArchive
from fargate_constructs.network import FixedEgressNetwork
from fargate_constructs.service import FargateService, Scaling
from fargate_constructs.web_service import FargateWebService

__all__ = [
    "FargateService",
    "FargateWebService",
    "FixedEgressNetwork",
    "HttpEndpoint",
    "LogArchive",
    "Scaling",
]

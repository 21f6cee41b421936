"""AWS CDK constructs that make Fargate behave.

```
caller ──> HttpEndpoint ──> FargateService ──> FixedEgressNetwork ──> the world, from known Elastic IPs
                                  │ stdout
                                  v
                              LogArchive ──> S3
```
"""

from fargate_constructs.endpoint import Accelerator, CloudFrontDistribution, HttpEndpoint, WebAcl
from fargate_constructs.logs import LogArchive
from fargate_constructs.network import Egress, Endpoints, FixedEgressNetwork
from fargate_constructs.service import Deployment, FargateService, Health, LogDelivery, Scaling, TaskSize
from fargate_constructs.web_service import FargateWebService

__all__ = [
    "Accelerator",
    "CloudFrontDistribution",
    "Deployment",
    "Egress",
    "Endpoints",
    "FargateService",
    "FargateWebService",
    "FixedEgressNetwork",
    "Health",
    "HttpEndpoint",
    "LogArchive",
    "LogDelivery",
    "Scaling",
    "TaskSize",
    "WebAcl",
]

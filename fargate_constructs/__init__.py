"""AWS CDK constructs that make Fargate behave.

```
caller ──> HttpEndpoint ──> FargateService ──> FixedEgressNetwork ──> the world, from known Elastic IPs
                                  │ stdout
                                  v
                              LogArchive ──> S3
```
"""

from fargate_constructs.endpoint import HttpEndpoint
from fargate_constructs.logs import (
    ArchiveFormat,
    Delivery,
    LogArchive,
    LogCatalog,
    LogExportBucket,
    LogMerger,
    Retention,
)
from fargate_constructs.network import Egress, Endpoints, FixedEgressNetwork
from fargate_constructs.service import Deployment, FargateService, Health, LogDelivery, Scaling, TaskSize
from fargate_constructs.web_service import FargateWebService

__all__ = [
    "ArchiveFormat",
    "Delivery",
    "Deployment",
    "Egress",
    "Endpoints",
    "FargateService",
    "FargateWebService",
    "FixedEgressNetwork",
    "Health",
    "HttpEndpoint",
    "LogArchive",
    "LogCatalog",
    "LogDelivery",
    "LogExportBucket",
    "LogMerger",
    "Retention",
    "Scaling",
    "TaskSize",
]

"""AWS CDK constructs that make Fargate behave.

```
caller ──> HttpEndpoint ──> FargateService ──> FixedEgressNetwork ──> the world, from known Elastic IPs
                                  │ stdout
                                  v
                              LogArchive ──> S3
```
"""

from fargate_constructs.endpoint import Accelerator, CloudFrontDistribution, HttpEndpoint, SignIn, WebAcl
from fargate_constructs.logs import (
    ArchiveFormat,
    Delivery,
    LogArchive,
    LogCatalog,
    LogExportBucket,
    LogMerger,
    LogRouter,
    Retention,
)
from fargate_constructs.network import Egress, Endpoints, FixedEgressNetwork
from fargate_constructs.service import (
    AuditedCluster,
    Capacity,
    Deployment,
    FargateService,
    Health,
    LogDelivery,
    OneOffTask,
    Rollback,
    Scaling,
    ScheduledTask,
    TaskSize,
)
from fargate_constructs.web_service import FargateWebService

__all__ = [
    "Accelerator",
    "ArchiveFormat",
    "AuditedCluster",
    "Capacity",
    "CloudFrontDistribution",
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
    "LogRouter",
    "OneOffTask",
    "Retention",
    "Rollback",
    "Scaling",
    "ScheduledTask",
    "SignIn",
    "TaskSize",
    "WebAcl",
]

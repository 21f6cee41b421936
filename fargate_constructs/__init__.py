"""AWS CDK constructs that make Fargate behave.

```
caller ──> HttpEndpoint ──> FargateService ──> FixedEgressNetwork ──> the world, from known Elastic IPs
                                  │ stdout
                                  v
                              LogArchive ──> S3
```
"""

from typing import TYPE_CHECKING

from fargate_constructs.on_demand import on_demand

if TYPE_CHECKING:
    from fargate_constructs.disposable import make_disposable
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
        ServiceConnect,
        TaskSize,
    )
    from fargate_constructs.web_service import FargateWebService
else:  # not for type checkers, to which any name would be right
    __getattr__, __dir__ = on_demand(
        __name__,
        {
            "Accelerator": "endpoint",
            "ArchiveFormat": "logs",
            "AuditedCluster": "service",
            "Capacity": "service",
            "CloudFrontDistribution": "endpoint",
            "Delivery": "logs",
            "Deployment": "service",
            "Egress": "network",
            "Endpoints": "network",
            "FargateService": "service",
            "FargateWebService": "web_service",
            "FixedEgressNetwork": "network",
            "Health": "service",
            "HttpEndpoint": "endpoint",
            "LogArchive": "logs",
            "LogCatalog": "logs",
            "LogDelivery": "service",
            "LogExportBucket": "logs",
            "LogMerger": "logs",
            "LogRouter": "logs",
            "OneOffTask": "service",
            "Retention": "logs",
            "Rollback": "service",
            "Scaling": "service",
            "ScheduledTask": "service",
            "ServiceConnect": "service",
            "SignIn": "endpoint",
            "TaskSize": "service",
            "WebAcl": "endpoint",
            "make_disposable": "disposable",
        },
    )

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
    "ServiceConnect",
    "SignIn",
    "TaskSize",
    "WebAcl",
    "make_disposable",
]

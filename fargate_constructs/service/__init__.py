"""What runs: services on Fargate, sized, scaled, linked and logged."""

from typing import TYPE_CHECKING

from fargate_constructs.on_demand import on_demand

if TYPE_CHECKING:
    from fargate_constructs.service.capacity import Capacity
    from fargate_constructs.service.cluster import AuditedCluster
    from fargate_constructs.service.deployment import Deployment
    from fargate_constructs.service.fargate_service import FargateService
    from fargate_constructs.service.fargate_task import FargateTask
    from fargate_constructs.service.health import Health
    from fargate_constructs.service.log_delivery import LogDelivery
    from fargate_constructs.service.one_off_task import OneOffTask
    from fargate_constructs.service.rollback import Rollback
    from fargate_constructs.service.scaling import Scaling
    from fargate_constructs.service.scheduled_task import ScheduledTask
    from fargate_constructs.service.service_connect import ServiceConnect
    from fargate_constructs.service.task_size import TaskSize
else:  # not for type checkers, to which any name would be right
    __getattr__, __dir__ = on_demand(
        __name__,
        {
            "AuditedCluster": "cluster",
            "Capacity": "capacity",
            "Deployment": "deployment",
            "FargateService": "fargate_service",
            "FargateTask": "fargate_task",
            "Health": "health",
            "LogDelivery": "log_delivery",
            "OneOffTask": "one_off_task",
            "Rollback": "rollback",
            "Scaling": "scaling",
            "ScheduledTask": "scheduled_task",
            "ServiceConnect": "service_connect",
            "TaskSize": "task_size",
        },
    )

__all__ = [
    "AuditedCluster",
    "Capacity",
    "Deployment",
    "FargateService",
    "FargateTask",
    "Health",
    "LogDelivery",
    "OneOffTask",
    "Rollback",
    "Scaling",
    "ScheduledTask",
    "ServiceConnect",
    "TaskSize",
]

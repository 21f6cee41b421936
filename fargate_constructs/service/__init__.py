"""What runs: services on Fargate, sized, scaled, linked and logged."""

from fargate_constructs.service.fargate_service import FargateService
from fargate_constructs.service.scaling import Scaling

__all__ = ["FargateService", "Scaling"]

# The one list of public names: `__init__.py`, type checkers and editors read it.
from .disposable import make_disposable as make_disposable
from .endpoint.accelerator import Accelerator as Accelerator
from .endpoint.cloud_front_distribution import CloudFrontDistribution as CloudFrontDistribution
from .endpoint.http_endpoint import HttpEndpoint as HttpEndpoint
from .endpoint.sign_in import SignIn as SignIn
from .endpoint.web_acl import WebAcl as WebAcl
from .logs.archive_format import ArchiveFormat as ArchiveFormat
from .logs.catalog import LogCatalog as LogCatalog
from .logs.delivery import Delivery as Delivery
from .logs.export_bucket import LogExportBucket as LogExportBucket
from .logs.log_archive import LogArchive as LogArchive
from .logs.log_compaction import LogCompaction as LogCompaction
from .logs.log_router import LogRouter as LogRouter
from .logs.retention import Retention as Retention
from .network.egress import Egress as Egress
from .network.elastic_ip_pool import ElasticIpPool as ElasticIpPool
from .network.fixed_egress_network import FixedEgressNetwork as FixedEgressNetwork
from .network.network import Network as Network
from .network.vpc_endpoints import VpcEndpoints as VpcEndpoints
from .service.capacity import Capacity as Capacity
from .service.cluster import AuditedCluster as AuditedCluster
from .service.deployment import Deployment as Deployment
from .service.fargate_service import FargateService as FargateService
from .service.health import Health as Health
from .service.one_off_task import OneOffTask as OneOffTask
<<<<<<< HEAD
from .service.queue_worker import QueueWorker as QueueWorker
=======
from .service.pull_through_cache import PullThroughCache as PullThroughCache
>>>>>>> 8c02e82 (Images of ECR by name and through a pull-through cache can be pulled; an image for other processors fails synthesis; late secrets can be decrypted)
from .service.restart_policy import RestartPolicy as RestartPolicy
from .service.rollback import Rollback as Rollback
from .service.scaling import Scaling as Scaling
from .service.scheduled_task import ScheduledTask as ScheduledTask
from .service.service_connect import ServiceConnect as ServiceConnect
from .service.task_size import TaskSize as TaskSize
from .web_service import FargateWebService as FargateWebService

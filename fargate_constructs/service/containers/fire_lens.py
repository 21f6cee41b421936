"""Lines of a task to any destination of Fluent Bit, by FireLens.

```
container ──> stdout ──> Fluent Bit in the same task ──> Datadog, Splunk, OpenSearch, Firehose, ...
```
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Aws, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.fluent_bit import CONTAINER, SERVICE, add_fluent_bit, wait_for
from fargate_constructs._core.named_constructors import NamedConstructors
from fargate_constructs._core.unresolved import is_dummy
from fargate_constructs.synthesized.intrinsics import resolves_secret

OUTPUT = re.compile(r"[a-z][a-z0-9_]*")
# The options of outputs that hold a password or a key (https://docs.fluentbit.io/manual/pipeline/outputs).
SECRETS = {
    *("api_key", "apikey", "bearer_token", "customer_id", "http_passwd", "http_token", "license_key", "shared_key"),
    *("splunk_token", "access_token", "account_key", "secret_key"),
}
# Fluent Bit stops if its main configuration has one (`Sections 'multiline_parser' and 'parser' are not valid`).
PARSER = re.compile(r"^\s*\[(?:MULTILINE_)?PARSER\]", re.IGNORECASE | re.MULTILINE)
# The outputs to AWS, which need a region.
OUTPUTS_OF_AWS = {
    *("cloudwatch", "cloudwatch_logs", "firehose", "kinesis", "kinesis_firehose", "kinesis_streams", "s3"),
}


@dataclass(frozen=True, init=False)
class FireLens(NamedConstructors):
    """Sends a task's lines to a destination of Fluent Bit instead of CloudWatch Logs. Made by `FireLens.to`.

    AWS's Fluent Bit runs as a sidecar, with 256 MiB of the task's memory. The log group of the task gets the router's
    own log only. This can lose lines:

    - Lines wait in the router's memory until the destination has taken them. They are lost if the router is killed, or
      the task's host fails, and if the destination refuses them more often than `retry_limit` (by default once more).
    - If 25 MB of lines wait, the router takes no more. Then lines wait in Docker's buffer of the container, and are
      lost when that is full (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/firelens-docker-buffer-limit.html).
    - The router is essential: if it ends, ECS replaces the task.
    """

    name: str
    options: Mapping[str, str]
    secret_options: Mapping[str, ecs.Secret]
    config: str
    image: ecs.ContainerImage | None
    log_group: logs.ILogGroup | None = None
    """None: the task's own."""

    @classmethod
    @checked
    def to(
        cls,
        name: str,
        *,
        options: Mapping[str, str] | None = None,
        secret_options: Mapping[str, ecs.Secret] | None = None,
        config: str = "",
        image: ecs.ContainerImage | None = None,
    ) -> FireLens:
        """Send lines to an output of Fluent Bit (https://docs.fluentbit.io/manual/pipeline/outputs).

        ```python
        datadog = FireLens.to(
            "datadog",
            options={"Host": "http-intake.logs.datadoghq.eu", "TLS": "on", "dd_service": "web"},
            secret_options={"apikey": ecs.Secret.from_secrets_manager(api_key)},
        )
        FargateService(stack, "Web", network=network, image=image, log_router=datadog)
        ```

        For a destination in AWS, grant it to the task: `stream.grant_put_records(web)`.

        Args:
            name: The output's name, such as `datadog`, `splunk`, `opensearch`, `loki`, `kinesis_firehose`, `s3`.
            options: The output's settings. `region` of an output to AWS is the stack's by default.
            secret_options: The settings that are secret, such as Datadog's `apikey`. The execution role may read these.
            config: More sections of Fluent Bit's configuration, such as a `[FILTER]`, or a `[SERVICE]` with a
                `Parsers_File` of the image. By default there are none.
            image: The router's image: AWS's for Fluent Bit, 3.0.1 or later. By default 3.4.8 of `public.ecr.aws`, which
                tasks in an isolated network cannot pull.

        Raises:
            ValueError: If *name* cannot be an output's, *options* has the name or a secret, both have a setting, or
                *config* has a parser.
        """
        options, secret_options = dict(options or {}), dict(secret_options or {})
        if not OUTPUT.fullmatch(name) and not is_dummy(name):
            raise ValueError(f"name must be that of an output of Fluent Bit, such as 'datadog', got: {name!r}")
        lower = {option.lower(): option for option in options}
        if "name" in lower:
            raise ValueError(f"options must be left without {lower['name']!r}, which is the first argument")
        for option, value in options.items():
            if option.lower() in SECRETS or resolves_secret(value):
                raise _holds_secret(option)
        if both := lower.keys() & {option.lower() for option in secret_options}:
            raise ValueError(f"options and secret_options must not share a setting, got in both: {', '.join(both)}")
        if section := PARSER.search(config):
            raise ValueError(
                "config must be left without parsers, which Fluent Bit accepts in a file of their own only, got: "
                f"{section[0].strip()}; name a file of the image in [SERVICE]: "
                "Parsers_File /fluent-bit/parsers/parsers.conf"
            )
        if name in OUTPUTS_OF_AWS and "region" not in lower:
            options["region"] = Aws.REGION
        return cls._make(name=name, options=options, secret_options=secret_options, config=config, image=image)

    def driver(
        self,
        task_definition: ecs.TaskDefinition,
        *,
        stream_prefix: str = "",  # noqa: ARG002 - of other routers
        own_log: ecs.LogDriver | None = None,
    ) -> ecs.LogDriver:
        """Return what a container of a task logs by; at the first of them, give the task the router.

        Args:
            task_definition: The task, of Linux on Fargate.
            stream_prefix: Without effect: FireLens tags lines with `<container>-firelens-<task's ID>`.
            own_log: The driver of the router's own log. By default it has none.

        Raises:
            ValueError: If an option has the value of a secret.
        """
        for option, value in self.options.items():
            # Only the stack of the task can resolve the name of a resource of a stack with an account and a region.
            if resolves_secret(Stack.of(task_definition).resolve(value)):
                raise _holds_secret(option)
        router = task_definition.find_container(CONTAINER) or add_fluent_bit(
            task_definition,
            image=self.image,
            config=f"{SERVICE}\n{self.config}",
            environment={},
            logging=own_log,
            adds_metadata=True,
        )
        return _Driver(router, {"Name": self.name, **self.options}, self.secret_options)


def _holds_secret(option: str) -> ValueError:
    return ValueError(
        f"options must not hold secrets, got {option!r}; pass it as "
        f"secret_options={{{option!r}: ecs.Secret.from_secrets_manager(...)}}"
    )


class _Driver(ecs.LogDriver):
    """FireLens's driver, whose container waits for the router."""

    def __init__(
        self, router: ecs.ContainerDefinition, options: Mapping[str, str], secret_options: Mapping[str, ecs.Secret]
    ) -> None:
        super().__init__()
        self._router = router
        self._driver = ecs.LogDrivers.firelens(options=options, secret_options=secret_options or None)

    def bind(self, scope: Construct, container_definition: ecs.ContainerDefinition) -> ecs.LogDriverConfig:
        wait_for(self._router, container_definition)
        return self._driver.bind(scope, container_definition)

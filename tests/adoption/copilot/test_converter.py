"""What is read and refused, and the forms that a field may have."""

import json
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fargate_constructs.adoption.copilot import Conversion, convert
from fargate_constructs.adoption.copilot.values import construct_id, cron_expression, duration_code, milliseconds
from fargate_constructs.cli.command_line import commands
from tests.adoption.copilot.generated import WORKSPACE

WEB = "name: web\ntype: Load Balanced Web Service\nimage: {location: nginx, port: 80}\n"
NO_IMAGE = "name: web\ntype: Load Balanced Web Service\n"
NO_PORT = "name: web\ntype: Backend Service\nimage: {location: nginx}\n"
ARN = "arn:aws:secretsmanager:eu-west-1:1:secret:a-AbCdEf"
WORKER = "name: web\ntype: Worker Service\nimage: {location: nginx}\n"
DELAY = "count: {range: 1-2, queue_delay: {acceptable_latency: 5m, msg_processing_time: 1s}}\n"
JOB = "name: web\ntype: Scheduled Job\nimage: {location: nginx}\n"


def convert_text(folder: Path, text: str, environment: str | None = "test") -> Conversion:
    """Convert one manifest."""
    file = folder / "copilot" / "web" / "manifest.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{text}\n")
    return convert(file, output=folder / "cdk", environment=environment, application="shop")


def code_of(folder: Path, text: str, environment: str | None = "test") -> str:
    """Return the stack of one manifest, on one line, without spaces inside of brackets."""
    code = " ".join(convert_text(folder, text, environment).files["web_stack.py"].split())
    return re.sub(r"([({]) | (?=[)}])", r"\1", code)


@pytest.mark.parametrize(
    ("base", "fields", "message"),
    [
        (WEB, "cpu: {a: 1}", "cpu must be a text, got: a map"),
        ("", "name: [", "this is not YAML"),
        ("", "- a", "a manifest must be a map"),
        ("", "", "a manifest must be a map"),
        ("", "name: web\nname: api", ":2: the key 'name' is there twice"),
        ("", "name: web\n? [a]\n: b", "a key must be a text"),
        ("", "name: web\n<<: a", "'<<' takes a map"),
        ("", "name: web\nimage: &a {labels: *a}", ":1: this is too deep: an alias holds itself"),
        (
            "",
            "name: 9-web\ntype: Backend Service",
            ":1: name must be letters, digits and hyphens, and begin with a letter",
        ),
        (WEB, "environments: [test]", ":4: environments must be a map of the fields of each environment"),
        (WEB, "environments: {test: cpu}", ":4: environments must be a map of the fields of each environment"),
        ("", "name: web", "type is missing"),
        ("", "type: Backend Service", "name is missing"),
        ("", "name: web\ntype: Backend", "type must be one of 'Load Balanced Web Service', 'Backend Service'"),
        (WEB, "cpu: ${CPU}", "cpu must be a whole number, got: '${CPU}'"),
        (WEB, "cpu: many", ":4: cpu must be a whole number, got: 'many'"),
        (WEB, "cpu: [1]", "cpu must be a text, got: a list"),
        (WEB, "command:\n- [a]", "command must be a list of texts"),
        (WEB, "network: private", "network must be a map, got: 'private'"),
        (WEB, "network: {vpc: {placement: secret}}", "placement must be one of public, private, got: 'secret'"),
        (WEB, "http: {path: /, stickiness: maybe}", "stickiness must be true or false, got: 'maybe'"),
        (WEB, "http: {path: /, deregistration_delay: 5}", "must be a duration such as 30s or 1h30m, got: '5'"),
        (WEB, "http: {path: /, additional_rules: a}", "must be a list of maps"),
        (WEB, "http: off it", "http must be a map, or false"),
        (WEB, "http: {path: /, target_container: x}", "target_container must be a container of the task (web)"),
        (WEB, "http: {path: /, target_container: x}\nsidecars: {x: {image: y}}", "sidecars.x.port is missing"),
        (NO_IMAGE, "image: {location: a}\nhttp: {path: /}", "image.port is missing"),
        (WEB, "nlb: {port: 80/http}", "nlb.port must be a port such as 80, 80/udp or 443/tls"),
        (WEB, "count: {range: some}", "count.range must be a range such as 1-10, got: 'some'"),
        (WEB, "count: {range: 1-2, requests: many}", "count.requests must be a whole number"),
        (WEB, "count: {range: 1-2, response_time: 2}", "count.response_time must be a duration such as 2s"),
        (WEB, "platform: linux/mips", "platform must be a platform such as linux/x86_64"),
        (WEB, "logging: {retention: 2}", "logging.retention must be one of 1, 3, 5"),
        (NO_IMAGE, "image: {}", "image needs build or location"),
        (WEB, "sidecars: {a: {port: 80}}", "sidecars.a.image needs an image"),
        (WEB, "sidecars: {a: b}", "sidecars.a must be a map"),
        (WEB, "sidecars: {a: {image: x, port: 80/tls}}", "sidecars.a.port must be a port such as 8080"),
        (
            WEB,
            "sidecars: {a: {image: x, depends_on: {b: start}}, b: {image: x, depends_on: {a: start}}}",
            "sidecars wait for each other in a circle",
        ),
        (
            NO_IMAGE,
            "image: {location: nginx, port: 80, depends_on: {x: start}}",
            "image.depends_on.x must be a container",
        ),
        (WEB, "variables: {A: {}}", "variables.A must be a text or from_cfn"),
        (WEB, "secrets: {A: {}}", "secrets.A must be a text, secretsmanager or from_cfn"),
        (WEB, "network: {vpc: {security_groups: sg-1}}", "must be a list of security groups"),
        (WEB, "network: {vpc: {security_groups: [sg-1, {}]}}", "must be a list of security groups or from_cfn"),
        (WEB, "publish: {topics: [{name: a}, {name: a}]}", "the topic 'a' is there twice"),
        (WORKER, "count: {range: 1-2, queue_delay: {acceptable_latency: 5m}}", "msg_processing_time is missing"),
        (JOB, "on: {schedule: sometimes}", "on.schedule must be a schedule such as @daily"),
        (JOB, "on: {schedule: '@daily'}\ntimeout: soon", "timeout must be a duration"),
    ],
)
def test_refusals(base: str, fields: str, message: str, tmp_path: Path) -> None:
    """An error names the file, the line and what to write."""
    with pytest.raises(ValueError, match=r"manifest.yml:[0-9]+: ") as error:
        convert_text(tmp_path, base + fields)

    assert message in str(error.value)


@pytest.mark.parametrize(
    ("base", "fields", "code"),
    [
        (WEB, "http: {path: '/'}", '"HTTPListenerArn"'),
        (WEB, "http: {path: api, alias: 'a.com, b.com'}", 'hosts=["a.com", "b.com"], paths=["/api", "/api/*"]'),
        (WEB, "http: {path: /, healthcheck: {grace_period: 10m}}", "grace_period=Duration.minutes(5)"),
        (WEB, "http: {path: /, version: grpc}", "protocol_version=elbv2.ApplicationProtocolVersion.GRPC"),
        (WEB, "nlb: {port: 80, healthcheck: {grace_period: 10s}}", "health=Health(grace_period=Duration.seconds(10))"),
        (NO_PORT, "", "port=None"),
        (NO_PORT, "count: {range: 1-2, cpu_percentage: 50}", "Scaling(min=1, max=2, cpu_percent=50)"),
        (WEB, "", "scaling=Scaling(min=1, max=1)"),
        (WEB, "count: {cpu_percentage: 50}", "Scaling(min=1, max=1, cpu_percent=50, requests_per_target=None)"),
        (WEB, "platform: windows/x86_64", "ecs.OperatingSystemFamily.WINDOWS_SERVER_2019_CORE"),
        (WEB, "platform: {osfamily: windows_server_2022_full, architecture: x86_64}", "WINDOWS_SERVER_2022_FULL"),
        (WEB, "command: ${WORDS}", "command=WORDS.split()"),
        (WEB, "command: ['${WORDS}']", "command=[WORDS]"),
        (WEB, "http: {path: /, allowed_source_ips: '${IPS}'}", "source_ips=json.loads(IPS)"),
        (WEB, "http: {path: /, alias: '${HOST}'}", "hosts=[HOST]"),
        (
            WEB,
            "network: {vpc: {security_groups: '${GROUPS}'}}",
            "environment.security_group, *environment.security_groups(json.loads(GROUPS)),",
        ),
        (
            WEB,
            "network: {vpc: {placement: {subnets: '${SUBNETS}'}}}",
            "task_subnets=environment.subnets(json.loads(SUBNETS))",
        ),
        (
            WEB,
            "variables: {A: '\\${NOT}', B: '{x}${TAG}', C: 'say \"hi\"'}",
            '"A": "${NOT}", "B": f"{{x}}{TAG}", "C": \'say "hi"\'',
        ),
        (WEB, "variables:\n  A: ${COPILOT_ENVIRONMENT_NAME}\n  B: ${TAG}", '"A": environment.name, "B": TAG'),
        (WEB, "secrets: {A: 'arn:aws:ssm:eu-west-1:1:parameter/a/b'}", 'parameter_name="/a/b"'),
        (WEB, "secrets: {A: 'arn:aws:ssm:eu-west-1:1:parameter/a'}", 'parameter_name="a"'),
        (WEB, "secrets: {A: 'arn:aws:secretsmanager:eu-west-1:1:secret:a'}", "from_secret_partial_arn("),
        (WEB, f"secrets: {{A: {{secretsmanager: '{ARN}:k::'}}}}", 'from_secrets_manager(a, "k")'),
        (WEB, f"secrets: {{A: {{secretsmanager: '{ARN}'}}}}", "from_secrets_manager(a)"),
        (WEB, f"secrets: {{A: '{ARN}:k::'}}", 'from_secrets_manager(a, "k")'),
        (WEB, "secrets: {A: {secretsmanager: 'm:k:OLD'}}", 'ecs.SecretVersionInfo(version_stage="OLD"), "k"'),
        (WEB, "secrets: {DB: /a, Db: /b}", '"DbSecret2", parameter_name="/b"'),
        (WEB, "secrets: {A: {secretsmanager: 'm:::v1'}}", 'a, ecs.SecretVersionInfo(version_id="v1")'),
        (
            WEB,
            "secrets: {WEB: a, CLASS: b}",
            '{"WEB": ecs.Secret.from_ssm_parameter(web_), "CLASS": ecs.Secret.from_ssm_parameter(class_)',
        ),
        (
            WEB,
            "publish: {topics: [{name: a, fifo: true}]}",
            'sns.Topic(self, "AFifoTopic", fifo=True, enforce_ssl=True)',
        ),
        (
            WORKER,
            "subscribe: {queue: {fifo: {content_based_deduplication: true}}}",
            'sqs.Queue(self, "EventsQueue", fifo=True, content_based_deduplication=True,',
        ),
        (
            NO_IMAGE,
            "image: {location: a, port: 80, healthcheck: {command: b, interval: 5s}}",
            'health=Health(interval=Duration.seconds(5), command=["b"])',
        ),
        (WEB, "http: {path: /, target_port: 81}\nsidecars: {a: {image: x, port: 81}}", 'service=web, port="a-81"'),
        (WEB, "nlb: {port: 443/tls}", "# not converted: nlb.port: a TLS listener needs a certificate"),
        (WEB, "storage: {volumes: {v: {efs: false}}}", 'web.task_definition.add_volume(name="v")'),
        (WEB, "deployment: {rolling: default}", "FargateService("),
        (WEB, "sidecars: {web: {image: x}}\nstorage: {volumes: {}}", 'web.add_sidecar("web"'),
        (WEB, "sidecars: {a: {image: x, port: 53/udp}}", "container_port=53, protocol=ecs.Protocol.UDP"),
        (NO_IMAGE, "image: {build: {context: web}}", 'WORKSPACE / "web"'),
        (NO_IMAGE, "image: {build: Dockerfile}", 'str(WORKSPACE), exclude=["cdk"]'),
        (
            NO_IMAGE,
            "image: {build: {dockerfile: a/Dockerfile, context: b}}",
            "# not converted: image.build: the Dockerfile",
        ),
        (WEB, "taskdef_overrides: [{path: PidMode, value: task}]", 'add_property_override("PidMode", "task")'),
        (
            WEB,
            "taskdef_overrides: [{path: 'A[-].B[-]', value: 1.5}, {path: 'A[0].B[1]', value: null}]",
            'override("A", [{"B": [1.5, None]}])',
        ),
        (
            WORKER,
            "subscribe: {topics: [{name: a, service: web, queue: true}]}\npublish: {topics: [{name: a}]}",
            "self.a_topic.add_subscription(",
        ),
        (
            WORKER + DELAY,
            "subscribe: {queue: {timeout: 10s}}\nnetwork: {connect: true}",
            "stop_timeout=Duration.seconds(10)",
        ),
        (
            WORKER,
            "sidecars: {a: {image: x}}",
            '("x"), environment={**environment.variables("web"), "COPILOT_QUEUE_URI": events_queue.queue_url,}',
        ),
        (JOB, "on: {schedule: '@every 5m'}\nnetwork: {connect: true}", "# not converted: network.connect"),
        (JOB, "on: {schedule: none}", "enabled=False"),
        (WEB, "<<: [{cpu: 512}, {memory: 1024}]", "cpu=512, memory_limit_mib=1024"),
        (WEB, "nlb: {port: 81, alias: [{name: a.com, hosted_zone: Z1}]}", "# not converted: nlb.alias[0].name"),
        (WEB, "exec: {enable: false}", "# different: exec: "),
        (
            WEB,
            "http: {path: /, target_port: 443, healthcheck: {port: 80}}",
            'target_group_0.add_property_override("HealthCheckProtocol", "HTTP")',
        ),
        (
            WEB,
            "http: {path: /, additional_rules: [{path: a, target_port: 81, healthcheck: {port: 443}}]}",
            'target_group_1.add_property_override("HealthCheckProtocol", "HTTPS")',
        ),
        (
            WEB,
            "sidecars: {a: {image: x, mount_points: [{source_volume: v, path: /v}]}}",
            "# not converted: sidecars.a.mount_points[0].source_volume: no",
        ),
        (NO_IMAGE, "image: {build: {context: ..}}", 'str(WORKSPACE / ".."), exclude=["test_forms'),
        (WEB, "http: {path: /, alias: [{name: a.com}]}", 'hosts=["a.com"]'),
        (WEB, "deployment: {rollback_alarms: {memory_utilization: 50}}", '"MemoryAlarm"'),
        (WEB, "variables:\n  A: ${tag}", 'tag = os.environ["tag"]'),
        (WEB, "network: {vpc: {security_groups: [{from_cfn: a}, sg-1]}}", 'Fn.import_value("a")'),
    ],
)
def test_forms(base: str, fields: str, code: str, tmp_path: Path) -> None:
    """Each form of a field has its code."""
    assert code in code_of(tmp_path, base + fields)


def test_environments_that_differ(tmp_path: Path) -> None:
    """One construct is made in each environment, also if its class or its form differs."""
    text = f"""{WORKER}
count: {{spot: 2}}
environments:
  test: {{variables: {{A: a}}}}
  prod:
    variables: {{A: b}}
    logging: {{destination: {{Name: loki, host: a}}}}
    """
    code = code_of(tmp_path, text + DELAY, None)
    assert 'web = (FargateService(self, "Web",' in code
    assert 'if environment.name == "test" else QueueWorker(self, "Web",' in code

    code = code_of(tmp_path, f"{text}cpu: 512", None)
    assert '"A": {"test": "a", "prod": "b"}[environment.name]' in code
    assert 'cpu={"test": 256, "prod": 512}[environment.name]' in code

    code = code_of(tmp_path, f"{WEB}environments: {{test: {{nlb: {{port: 7000}}}}, prod: {{cpu: 512}}}}", None)
    assert '"test": {"port-80": 80, "port-7000": 7000}, "prod": 80,}[environment.name]' in code

    prod = "{http: {path: /, target_port: 443, version: grpc}, nlb: {port: 53/udp, target_port: 54}}"
    text = f"{WEB}nlb: {{port: 53}}\nhttp: {{path: /}}\nenvironments: {{test: {{}}, prod: {prod}}}"
    code = code_of(tmp_path, text, None)
    assert 'protocol={"test": elbv2.ApplicationProtocol.HTTP, "prod": ' in code
    assert '"test": elbv2.ApplicationProtocolVersion.HTTP1, "prod": ' in code
    assert 'protocol={"test": None, "prod": elbv2.Protocol.UDP}' in code


@pytest.mark.parametrize(
    ("base", "fields", "field", "advice"),
    [
        (WEB, "colour: red", "4 colour", "known are: command, count, cpu"),
        (WEB, "http:\n  pathh: /", "5 http.pathh", "did you mean 'path'?"),
        (WEB, "http:\n  additional_rules:\n  - pth: a", "6 http.additional_rules[0].pth", "did you mean 'path'?"),
        (WEB, "environments:\n  test:\n    memry: 1", "6 memry", "did you mean 'memory'?"),
        (JOB, "on: {schedule: '@daily'}\nhttp:\n  path: /", "5 http", "known are: command"),
        (WEB, "sidecars:\n  a: {image: x, imag: x}", "5 sidecars.a.imag", "did you mean 'image'?"),
        (WEB, "exec: {on: {a: 1}}", "4 exec.on", "known are: enable"),
        (WEB, "observability: {tracing: awsxray, zzz: 1}", "4 observability.zzz", "known are: tracing"),
    ],
)
def test_unknown_fields(base: str, fields: str, field: str, advice: str, tmp_path: Path) -> None:
    """What Copilot does not know it ignores, so it is listed with its line and what it may mean."""
    found = {
        f"{each.line} {each.field}": each.todo
        for each in convert_text(tmp_path, base + fields).findings
        if each.is_lost
    }

    assert [*found] == [field]
    assert " has no such field, and Copilot ignores it; " in found[field]
    assert advice in found[field]


@pytest.mark.parametrize(
    ("schedule", "expression"),
    [
        ("@hourly", "cron(0 * * * ? *)"),
        ("@weekly", "cron(0 0 ? * 1 *)"),
        ("@every 1h30m", "rate(90 minutes)"),
        ("@every 1m", "rate(1 minute)"),
        ("@every 90s", None),
        ("rate(5 minutes)", "rate(5 minutes)"),
        ("* * * * *", "cron(* * * * ? *)"),
        ("0 9 * * 1-5", "cron(0 9 ? * 2-6 *)"),
        ("0 9 1 * *", "cron(0 9 1 * ? *)"),
        ("0 9 * * MON#2", "cron(0 9 ? * MON#2 *)"),
        ("0 9 1 * 1", None),
        ("0 9", None),
    ],
)
def test_schedules(schedule: str, expression: str | None) -> None:
    """As Copilot converts them."""
    assert cron_expression(schedule) == expression


def test_durations_and_names() -> None:
    """Go's durations; CDK's words for a length; IDs."""
    lengths = {"1h30m": 5400000, "250ms": 250, "1.5s": 1500, "5": None, "": None, "x1s": None}
    assert {each: milliseconds(each) for each in lengths} == lengths
    codes = {
        0: "seconds(0)",
        250: "millis(250)",
        1000: "seconds(1)",
        120_000: "minutes(2)",
        3_600_000: "hours(1)",
        86_400_000: "days(1)",
    }
    assert {each: duration_code(each).removeprefix("Duration.") for each in codes} == codes
    ids = {"order-api": "OrderApi", "DB_URL": "DbUrl", "-": "Item"}
    assert {each: construct_id(each) for each in ids} == ids


def test_a_workspace_has_more_than_services(tmp_path: Path) -> None:
    """Addons, overrides, pipelines, static sites and App Runner are listed, with what to do."""
    copilot = tmp_path / "copilot"
    for name, text in {
        ".workspace": "application: shop\n",
        "web/manifest.yml": WEB + "publish: {topics: [{name: a}]}\nenvironments: {dev: {cpu: 512}}\n",
        "work/manifest.yml": WORKER.replace("web", "work") + "subscribe: {topics: [{name: a, service: web}]}\n",
        "web/addons/bucket.yml": "Resources: {}\n",
        "environments/addons/database.yml": "Resources: {}\n",
        "web/overrides/cfn.patches.yml": "[]\n",
        "pipelines/main/manifest.yml": "name: main\n",
        "site/manifest.yml": "name: site\ntype: Static Site\n",
        "run/manifest.yml": "name: run\ntype: Request-Driven Web Service\n",
        "environments/test/manifest.yml": "name: test\ntype: Environment\n",
    }.items():
        file = copilot / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    conversion = convert(copilot, output=tmp_path / "deep" / "er" / "cdk")

    assert conversion.environments == ("test", "dev")
    listed = {each.file: each.todo for each in conversion.findings if not each.field}
    assert set(listed) == {
        "copilot/web/addons",
        "copilot/environments/addons",
        "copilot/web/overrides",
        "copilot/pipelines/main",
        "copilot/site/manifest.yml",
        "copilot/run/manifest.yml",
    }
    assert listed["copilot/site/manifest.yml"].startswith("Static Site: ")
    assert listed["copilot/environments/addons"].startswith("it stays in Copilot's stack")
    assert "        web_a_topic: sns.ITopic," in conversion.files["work_stack.py"]
    assert "web_a_topic=web.a_topic" in conversion.files["app.py"]
    only = convert(tmp_path, output=tmp_path.parent / "elsewhere", environment="test")
    assert only.environments == ("test",)


def test_topics_in_a_circle(tmp_path: Path) -> None:
    """Two workloads that take each other's topics would be two stacks that need each other."""
    for name, other in (("a", "b"), ("b", "a")):
        file = tmp_path / "copilot" / name / "manifest.yml"
        file.parent.mkdir(parents=True)
        topics = f"publish: {{topics: [{{name: t}}]}}\nsubscribe: {{topics: [{{name: t, service: {other}}}]}}\n"
        file.write_text(WORKER.replace("web", name) + topics)
    output = tmp_path / "cdk"

    with pytest.raises(ValueError, match=r"the stacks of a, b would need each other.*; convert one of them by its own"):
        convert(tmp_path, output=output, environment="test", application="shop")
    only_b = convert(file, output=output, environment="test", application="shop")
    assert "a_t_topic = sns.Topic.from_topic_arn(" in only_b.files["b_stack.py"]


def test_where_there_is_nothing(tmp_path: Path) -> None:
    """A path without a manifest, an application without a name, and no environment."""
    with pytest.raises(FileNotFoundError, match="does not exist"):
        convert(tmp_path / "none", output=tmp_path)
    with pytest.raises(FileNotFoundError, match=r"there is no <name>/manifest.yml"):
        convert(tmp_path, output=tmp_path)
    file = tmp_path / "web" / "manifest.yml"
    file.parent.mkdir()
    file.write_text(WEB)
    with pytest.raises(FileNotFoundError, match="pass --application"):
        convert(file, output=tmp_path)
    with pytest.raises(ValueError, match="pass --environment"):
        convert(file, output=tmp_path, application="shop")
    (tmp_path / ".workspace").write_text("version: 1\n")
    with pytest.raises(ValueError, match="application is missing"):
        convert(file, output=tmp_path)
    (tmp_path / ".workspace").write_text("application: shop\n")
    assert convert(file, output=tmp_path, environment="test").application == "shop"


def test_the_command(tmp_path: Path) -> None:
    """It writes the files, prints what is not converted, and overwrites nothing by itself."""
    output = tmp_path / "cdk"
    arguments = ["from-copilot", str(WORKSPACE), "--output", str(output)]
    first = CliRunner().invoke(commands, arguments)
    assert first.exit_code == 0, first.output
    assert {"app.py", "cdk.json", "requirements.txt", "api_stack.py"} <= {each.name for each in output.iterdir()}
    assert "\nNot converted:\n" in first.output
    assert "\nDifferent:\n" in first.output
    lines = (WORKSPACE / "copilot" / "api" / "manifest.yml").read_text().splitlines()
    line = lines.index("  configFilePath: /extra.conf") + 1
    assert f"copilot/api/manifest.yml:{line}: logging.configFilePath: a configuration in the image" in first.output
    assert " (prod): " in first.output

    again = CliRunner().invoke(commands, arguments)
    assert again.exit_code == 2
    assert "would be lost: pass another --output, or --overwrite" in again.output
    as_json = CliRunner().invoke(commands, [*arguments, "--overwrite", "--json", "--environment", "prod"])
    document = json.loads(as_json.output)
    assert document["environments"] == ["prod"]
    assert "api_stack.py" in document["files"]
    assert {"file", "line", "field", "environments", "todo", "is_lost"} == set(document["findings"][0])


def test_the_command_without_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.delitem(sys.modules, "fargate_constructs.cli.from_copilot", raising=False)
    monkeypatch.setitem(sys.modules, "fargate_constructs.adoption.copilot", None)
    done = CliRunner().invoke(commands, ["from-copilot"])

    assert done.exit_code == 2
    assert "pip install 'fargate-constructs[cli]'" in done.output


def test_the_command_without_anything_to_convert(tmp_path: Path) -> None:
    """It says why."""
    file = tmp_path / "manifest.yml"
    file.write_text("name: site\ntype: Static Site\n")
    arguments = ["from-copilot", str(file), "--application", "shop", "--environment", "test"]
    done = CliRunner().invoke(commands, arguments)

    assert done.exit_code == 2
    assert "there is nothing to convert" in done.output
    assert "Static Site" in done.output

    file.write_text(f"{WEB}network: {{vpc: {{placement: private}}}}\n")
    done = CliRunner().invoke(commands, [*arguments, "--output", str(tmp_path / "cdk")])
    assert done.exit_code == 0
    assert "Not converted" not in done.output

"""What is read and refused, and the forms that a field may have."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fargate_constructs.adoption.copilot import Conversion, convert
from fargate_constructs.adoption.copilot.values import construct_id, cron_expression, duration_code, milliseconds
from fargate_constructs.cli.command_line import commands
from tests.adoption.copilot.generated import WORKSPACE

WEB = "name: web\ntype: Load Balanced Web Service\nimage: {location: nginx, port: 80}\n"
BACKEND = "name: web\ntype: Backend Service\nimage: {location: nginx, port: 80}\n"
CIRCLE = "sidecars: {a: {image: x, depends_on: {b: start}}, b: {image: x, depends_on: {a: start}}}\n"
OWN_TOPIC = "subscribe: {topics: [{name: a, service: web, queue: true}]}\npublish: {topics: [{name: a}]}\n"
DELAY = "count: {range: 1-2, queue_delay: {acceptable_latency: 5m, msg_processing_time: 1s}}\n"
WORKER = "name: web\ntype: Worker Service\nimage: {location: nginx}\n"
JOB = "name: web\ntype: Scheduled Job\nimage: {location: nginx}\n"


def convert_text(folder: Path, text: str) -> Conversion:
    """Convert one manifest."""
    file = folder / "copilot" / "web" / "manifest.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return convert(file, output=folder / "cdk", environment="test", application="shop")


def code_of(folder: Path, text: str) -> str:
    """Return the stack of one manifest, on one line."""
    return " ".join(convert_text(folder, text).files["web_stack.py"].split())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{WEB}cpu: {{a: 1}}\n", "cpu must be a text, got: a map"),
        ("name: [\n", "this is not YAML"),
        ("- a\n", "a manifest must be a map"),
        ("", "a manifest must be a map"),
        ("name: web\nname: api\n", ":2: the key 'name' is there twice"),
        ("name: web\n? [a]\n: b\n", "a key must be a text"),
        ("name: web\n<<: a\n", "'<<' takes a map"),
        ("name: web\nimage: &a {labels: *a}\n", ":1: this is too deep: an alias holds itself"),
        (WEB.replace("web", "9-web"), ":1: name must be letters, digits and hyphens, and begin with a letter"),
        (f"{WEB}environments: [test]\n", ":4: environments must be a map of the fields of each environment"),
        (f"{WEB}environments: {{test: cpu}}\n", ":4: environments must be a map of the fields of each environment"),
        ("name: web\n", "type is missing"),
        ("type: Backend Service\n", "name is missing"),
        ("name: web\ntype: Backend\n", "type must be one of 'Load Balanced Web Service', 'Backend Service'"),
        (f"{WEB}cpu: ${{CPU}}\n", "cpu must be a whole number, got: '${CPU}'"),
        (f"{WEB}cpu: many\n", ":4: cpu must be a whole number, got: 'many'"),
        (f"{WEB}cpu: [1]\n", "cpu must be a text, got: a list"),
        (f"{WEB}command:\n- [a]\n", "command must be a list of texts"),
        (f"{WEB}network: private\n", "network must be a map, got: 'private'"),
        (f"{WEB}network: {{vpc: {{placement: secret}}}}\n", "placement must be one of public, private, got: 'secret'"),
        (f"{WEB}http: {{path: /, stickiness: maybe}}\n", "stickiness must be true or false, got: 'maybe'"),
        (f"{WEB}http: {{path: /, deregistration_delay: 5}}\n", "must be a duration such as 30s or 1h30m, got: '5'"),
        (f"{WEB}http: {{path: /, additional_rules: a}}\n", "must be a list of maps"),
        (f"{WEB}http: off it\n", "http must be a map, or false"),
        (f"{WEB}http: {{path: /, target_container: x}}\n", "target_container must be a container of the task (web)"),
        (f"{WEB}http: {{path: /, target_container: x}}\nsidecars: {{x: {{image: y}}}}\n", "sidecars.x.port is missing"),
        (
            "name: web\ntype: Load Balanced Web Service\nimage: {location: a}\nhttp: {path: /}\n",
            "image.port is missing",
        ),
        (f"{WEB}nlb: {{port: 80/http}}\n", "nlb.port must be a port such as 80, 80/udp or 443/tls"),
        (f"{WEB}count: {{range: some}}\n", "count.range must be a range such as 1-10, got: 'some'"),
        (f"{WEB}count: {{range: 1-2, requests: many}}\n", "count.requests must be a whole number"),
        (f"{WEB}count: {{range: 1-2, response_time: 2}}\n", "count.response_time must be a duration such as 2s"),
        (f"{WEB}platform: linux/mips\n", "platform must be a platform such as linux/x86_64"),
        (f"{WEB}logging: {{retention: 2}}\n", "logging.retention must be one of 1, 3, 5"),
        (f"{WEB}image: {{}}\n".replace("image: {location: nginx, port: 80}\n", ""), "image needs build or location"),
        (f"{WEB}sidecars: {{a: {{port: 80}}}}\n", "sidecars.a.image needs an image"),
        (f"{WEB}sidecars: {{a: b}}\n", "sidecars.a must be a map"),
        (f"{WEB}sidecars: {{a: {{image: x, port: 80/tls}}}}\n", "sidecars.a.port must be a port such as 8080"),
        (
            WEB + CIRCLE,
            "sidecars wait for each other in a circle",
        ),
        (
            f"{BACKEND.replace('port: 80', 'depends_on: {x: start}')}",
            "image.depends_on.x must be a container of the task",
        ),
        (f"{WEB}variables: {{A: {{}}}}\n", "variables.A must be a text or from_cfn"),
        (f"{WEB}secrets: {{A: {{}}}}\n", "secrets.A must be a text, secretsmanager or from_cfn"),
        (f"{WEB}network: {{vpc: {{security_groups: sg-1}}}}\n", "must be a list of security groups"),
        (
            f"{WEB}network: {{vpc: {{security_groups: [sg-1, {{}}]}}}}\n",
            "must be a list of security groups or from_cfn",
        ),
        (f"{WEB}publish: {{topics: [{{name: a}}, {{name: a}}]}}\n", "the topic 'a' is there twice"),
        (f"{WORKER}count: {{range: 1-2, queue_delay: {{acceptable_latency: 5m}}}}\n", "msg_processing_time is missing"),
        (f"{JOB}on: {{schedule: sometimes}}\n", "on.schedule must be a schedule such as @daily"),
        (f"{JOB}on: {{schedule: '@daily'}}\ntimeout: soon\n", "timeout must be a duration"),
    ],
)
def test_refusals(text: str, message: str, tmp_path: Path) -> None:
    """An error names the file, the line and what to write."""
    with pytest.raises(ValueError, match=r"manifest.yml:[0-9]+: ") as error:
        convert_text(tmp_path, text)

    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"{WEB}http: {{path: '/'}}\n", '"HTTPListenerArn"'),
        (f"{WEB}http: {{path: api, alias: 'a.com, b.com'}}\n", 'hosts=["a.com", "b.com"], paths=["/api", "/api/*"]'),
        (f"{WEB}http: {{path: /, healthcheck: {{grace_period: 10m}}}}\n", "grace_period=Duration.minutes(5)"),
        (f"{WEB}http: {{path: /, version: grpc}}\n", "protocol_version=elbv2.ApplicationProtocolVersion.GRPC"),
        (
            f"{WEB}nlb: {{port: 80, healthcheck: {{grace_period: 10s}}}}\n",
            "health=Health(grace_period=Duration.seconds(10))",
        ),
        (f"{BACKEND.replace(', port: 80', '')}", "port=None"),
        (
            f"{BACKEND.replace(', port: 80', '')}count: {{range: 1-2, cpu_percentage: 50}}\n",
            "Scaling(min=1, max=2, cpu_percent=50)",
        ),
        (f"{WEB}", "scaling=Scaling(min=1, max=1)"),
        (f"{WEB}count: {{cpu_percentage: 50}}\n", "Scaling(min=1, max=1, cpu_percent=50, requests_per_target=None)"),
        (f"{WEB}platform: windows/x86_64\n", "ecs.OperatingSystemFamily.WINDOWS_SERVER_2019_CORE"),
        (f"{WEB}platform: {{osfamily: windows_server_2022_full, architecture: x86_64}}\n", "WINDOWS_SERVER_2022_FULL"),
        (f"{WEB}command: ${{WORDS}}\n", "command=WORDS.split()"),
        (f"{WEB}command: ['${{WORDS}}']\n", "command=[WORDS]"),
        (f"{WEB}http: {{path: /, allowed_source_ips: '${{IPS}}'}}\n", "source_ips=json.loads(IPS)"),
        (f"{WEB}http: {{path: /, alias: '${{HOST}}'}}\n", "hosts=[HOST]"),
        (
            f"{WEB}network: {{vpc: {{security_groups: '${{GROUPS}}'}}}}\n",
            "environment.security_group, *environment.security_groups(json.loads(GROUPS)),",
        ),
        (
            f"{WEB}network: {{vpc: {{placement: {{subnets: '${{SUBNETS}}'}}}}}}\n",
            "task_subnets=environment.subnets(json.loads(SUBNETS))",
        ),
        (
            f"{WEB}variables: {{A: '\\${{NOT}}', B: '{{x}}${{TAG}}', C: 'say \"hi\"'}}\n",
            '"A": "${NOT}", "B": f"{{x}}{TAG}", "C": \'say "hi"\'',
        ),
        (f"{WEB}variables:\n  A: ${{COPILOT_ENVIRONMENT_NAME}}\n  B: ${{TAG}}\n", '"A": environment.name, "B": TAG'),
        (f"{WEB}secrets: {{A: 'arn:aws:ssm:eu-west-1:1:parameter/a/b'}}\n", 'parameter_name="/a/b"'),
        (f"{WEB}secrets: {{A: 'arn:aws:ssm:eu-west-1:1:parameter/a'}}\n", 'parameter_name="a"'),
        (f"{WEB}secrets: {{A: 'arn:aws:secretsmanager:eu-west-1:1:secret:a'}}\n", "from_secret_partial_arn("),
        (
            f"{WEB}secrets: {{A: {{secretsmanager: 'arn:aws:secretsmanager:eu-west-1:1:secret:a-AbCdEf:k::'}}}}\n",
            'from_secrets_manager(a, "k")',
        ),
        (
            f"{WEB}secrets: {{A: {{secretsmanager: 'arn:aws:secretsmanager:eu-west-1:1:secret:a-AbCdEf'}}}}\n",
            "from_secrets_manager(a)",
        ),
        (
            f"{WEB}secrets: {{A: {{secretsmanager: 'm:k:AWSPREVIOUS'}}}}\n",
            'ecs.SecretVersionInfo(version_stage="AWSPREVIOUS"), "k"',
        ),
        (f"{WEB}secrets: {{DB: /a, Db: /b}}\n", '"DbSecret2", parameter_name="/b"'),
        (f"{WEB}secrets: {{A: {{secretsmanager: 'm:::v1'}}}}\n", 'a, ecs.SecretVersionInfo(version_id="v1")'),
        (
            f"{WEB}secrets: {{WEB: a, CLASS: b}}\n",
            '{ "WEB": ecs.Secret.from_ssm_parameter(web_), "CLASS": ecs.Secret.from_ssm_parameter(class_)',
        ),
        (
            f"{WEB}publish: {{topics: [{{name: a, fifo: true}}]}}\n",
            'sns.Topic(self, "AFifoTopic", fifo=True, enforce_ssl=True)',
        ),
        (f"{WEB}deployment: {{rolling: default}}\n", "FargateService("),
        (f"{WEB}sidecars: {{web: {{image: x}}}}\nstorage: {{volumes: {{}}}}\n", 'web.add_sidecar( "web"'),
        (f"{WEB}sidecars: {{a: {{image: x, port: 53/udp}}}}\n", "container_port=53, protocol=ecs.Protocol.UDP"),
        (
            f"{WEB}image: {{build: {{context: web}}}}\n".replace("image: {location: nginx, port: 80}\n", ""),
            'WORKSPACE / "web"',
        ),
        (
            f"{WEB}image: {{build: Dockerfile}}\n".replace("image: {location: nginx, port: 80}\n", ""),
            'str(WORKSPACE), exclude=["cdk"]',
        ),
        (
            f"{WEB}image: {{build: {{dockerfile: a/Dockerfile, context: b}}}}\n".replace(
                "image: {location: nginx, port: 80}\n", ""
            ),
            "# not converted: image.build: the Dockerfile",
        ),
        (f"{WEB}taskdef_overrides: [{{path: PidMode, value: task}}]\n", 'add_property_override("PidMode", "task")'),
        (
            f"{WEB}taskdef_overrides: [{{path: 'A[-].B[-]', value: 1.5}}, {{path: 'A[0].B[1]', value: null}}]\n",
            'override("A", [{"B": [1.5, None]}])',
        ),
        (
            WORKER + OWN_TOPIC,
            "self.a_topic.add_subscription(",
        ),
        (
            f"{WORKER}{DELAY}subscribe: {{queue: {{timeout: 10s}}}}\nnetwork: {{connect: true}}\n",
            "stop_timeout=Duration.seconds(10)",
        ),
        (
            f"{WORKER}sidecars: {{a: {{image: x}}}}\n",
            '("x"), environment={ **environment.variables("web"), "COPILOT_QUEUE_URI": events_queue.queue_url, }',
        ),
        (f"{JOB}on: {{schedule: '@every 5m'}}\nnetwork: {{connect: true}}\n", "# not converted: network.connect"),
        (f"{JOB}on: {{schedule: none}}\n", "enabled=False"),
        (
            f"{WEB}base: &a {{cpu: 512}}\n".replace("base: &a {cpu: 512}", "<<: [{cpu: 512}, {memory: 1024}]"),
            "cpu=512, memory_limit_mib=1024",
        ),
        (f"{WEB}nlb: {{port: 81, alias: [{{name: a.com, hosted_zone: Z1}}]}}\n", "# not converted: nlb.alias[0].name"),
        (f"{WEB}exec: {{enable: false}}\n", "# different: exec: "),
        (
            f"{WEB}http: {{path: /, target_port: 443, healthcheck: {{port: 80}}}}\n",
            'target_group_0.add_property_override("HealthCheckProtocol", "HTTP")',
        ),
        (
            f"{WEB}http: {{path: /, additional_rules: [{{path: a, target_port: 81, healthcheck: {{port: 443}}}}]}}\n",
            'target_group_1.add_property_override("HealthCheckProtocol", "HTTPS")',
        ),
        (
            f"{WEB}sidecars: {{a: {{image: x, mount_points: [{{source_volume: v, path: /v}}]}}}}\n",
            "# not converted: sidecars.a.mount_points[0].source_volume: no",
        ),
        (
            f"{WEB}image: {{build: {{context: ..}}}}\n".replace("image: {location: nginx, port: 80}\n", ""),
            'str(WORKSPACE / ".."), exclude=["test_forms',
        ),
        (f"{WEB}http: {{path: /, alias: [{{name: a.com}}]}}\n", 'hosts=["a.com"]'),
        (f"{WEB}deployment: {{rollback_alarms: {{memory_utilization: 50}}}}\n", '"MemoryAlarm"'),
        (f"{WEB}variables:\n  A: ${{tag}}\n", 'tag = os.environ["tag"]'),
        (f"{WEB}network: {{vpc: {{security_groups: [{{from_cfn: a}}, sg-1]}}}}\n", 'Fn.import_value("a")'),
    ],
)
def test_forms(text: str, code: str, tmp_path: Path) -> None:
    """Each form of a field has its code."""
    found = code_of(tmp_path, text)

    assert code in found.replace("( ", "(").replace(" )", ")") or code in found


def test_environments_that_differ(tmp_path: Path) -> None:
    """One construct is made in each environment, also if its class or its form differs."""
    text = f"""{WORKER}
count: {{spot: 2}}
environments:
  test: {{variables: {{A: a}}}}
  prod:
    variables: {{A: b}}
    logging: {{destination: {{Name: loki, host: a}}}}
    count: {{range: 1-3, queue_delay: {{acceptable_latency: 5m, msg_processing_time: 1s}}}}
"""
    file = tmp_path / "copilot" / "web" / "manifest.yml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    conversion = convert(file, output=tmp_path / "cdk", application="shop")
    code = " ".join(conversion.files["web_stack.py"].split())

    assert 'web = ( FargateService( self, "Web",' in code
    assert 'if environment.name == "test" else QueueWorker( self, "Web",' in code
    file.write_text(text.replace("count: {range", "cpu: 512\n    unused: {range").split("    unused")[0])
    code = " ".join(convert(file, output=tmp_path / "cdk", application="shop").files["web_stack.py"].split())
    assert '"A": {"test": "a", "prod": "b"}[environment.name]' in code
    assert 'cpu={"test": 256, "prod": 512}[environment.name]' in code
    file.write_text(f"{WEB}environments:\n  test: {{nlb: {{port: 7000}}}}\n  prod: {{cpu: 512}}\n")
    code = " ".join(convert(file, output=tmp_path / "cdk", application="shop").files["web_stack.py"].split())
    assert '"test": {"port-80": 80, "port-7000": 7000}, "prod": 80, }[environment.name]' in code
    only_prod = "{http: {path: /, target_port: 443, version: grpc}, nlb: {port: 53/udp, target_port: 54}}"
    file.write_text(f"{WEB}nlb: {{port: 53}}\nhttp: {{path: /}}\nenvironments:\n  test: {{}}\n  prod: {only_prod}\n")
    code = " ".join(convert(file, output=tmp_path / "cdk", application="shop").files["web_stack.py"].split())
    assert 'protocol={"test": elbv2.ApplicationProtocol.HTTP, "prod": ' in code.replace("{ ", "{")
    assert '"test": elbv2.ApplicationProtocolVersion.HTTP1, "prod": ' in code
    assert 'protocol={"test": None, "prod": elbv2.Protocol.UDP}' in code


@pytest.mark.parametrize(
    ("text", "field", "advice"),
    [
        (f"{WEB}colour: red\n", "4 colour", "known are: command, count, cpu"),
        (f"{WEB}http:\n  pathh: /\n", "5 http.pathh", "did you mean 'path'?"),
        (f"{WEB}http:\n  additional_rules:\n  - pth: a\n", "6 http.additional_rules[0].pth", "did you mean 'path'?"),
        (f"{WEB}environments:\n  test:\n    memry: 1\n", "6 memry", "did you mean 'memory'?"),
        (f"{JOB}on: {{schedule: '@daily'}}\nhttp:\n  path: /\n", "5 http", "known are: command"),
        (f"{WEB}sidecars:\n  a: {{image: x, imag: x}}\n", "5 sidecars.a.imag", "did you mean 'image'?"),
        (f"{WEB}exec: {{on: {{a: 1}}}}\n", "4 exec.on", "known are: enable"),
        (f"{WEB}observability: {{tracing: awsxray, zzz: 1}}\n", "4 observability.zzz", "known are: tracing"),
    ],
)
def test_unknown_fields(text: str, field: str, advice: str, tmp_path: Path) -> None:
    """What Copilot does not know it ignores, so it is listed with its line and what it may mean."""
    found = {f"{each.line} {each.field}": each.todo for each in convert_text(tmp_path, text).findings if each.is_lost}

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
    assert [milliseconds(each) for each in ("1h30m", "250ms", "1.5s", "5", "", "x1s")] == [
        5400000,
        250,
        1500,
        None,
        None,
        None,
    ]
    lengths = (0, 250, 1000, 120_000, 3_600_000, 86_400_000)
    assert [duration_code(each).removeprefix("Duration.") for each in lengths] == [
        "seconds(0)",
        "millis(250)",
        "seconds(1)",
        "minutes(2)",
        "hours(1)",
        "days(1)",
    ]
    assert [construct_id(each) for each in ("order-api", "DB_URL", "-")] == ["OrderApi", "DbUrl", "Item"]


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

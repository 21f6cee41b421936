"""What holds for the target groups of all modes."""

import json
import re

from tests import modes


def test_every_target_group_of_a_service_drains_is_checked_and_watched() -> None:
    """Over all modes: a drain of 30 s, a check each 10 s, and an alarm on its metrics that rolls deployments back.

    A network load balancer's drain is 120 s, as AWS recommends.
    """
    groups = 0
    for name, template in modes.templates().items():
        resources = template["Resources"]
        services = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::ECS::Service"]
        for service in services:
            alarms = service["DeploymentConfiguration"].get("Alarms", {"AlarmNames": []})["AlarmNames"]
            watched = json.dumps([resources.get(alarm["Ref"]) for alarm in alarms if "Ref" in alarm])
            balancers = json.dumps(service.get("LoadBalancers", []))
            for logical_id in re.findall(r'TargetGroupArn": {"Ref": "(\w+)"', balancers):
                properties = resources[logical_id]["Properties"]
                seconds = "30" if properties["Protocol"].startswith("HTTP") else "120"
                drain = {"Key": "deregistration_delay.timeout_seconds", "Value": seconds}
                assert drain in properties["TargetGroupAttributes"], (name, logical_id)
                assert properties["HealthCheckIntervalSeconds"] == 10, (name, logical_id)
                assert f'"{logical_id}", "TargetGroupFullName"' in watched, (name, logical_id)
                groups += 1
    assert groups > len(modes.PARTS), "each strategy, and the whole example, has some"

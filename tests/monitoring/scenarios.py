"""What happens to a system, as its metrics show it, and the alarms that should be raised.

A scenario changes the metrics of a steady day, in minutes from 0 on. AWS reports many counters only if they are not 0.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from tests.monitoring.metric_math import Number

Changes = Mapping[str, Number]

STEADY: Changes = {
    "ApplicationELB RequestCount": 120,
    "ApplicationELB TargetResponseTime": 0.1,
    "ApplicationELB HealthyHostCount": 2,
    "ApplicationELB UnHealthyHostCount": 0,
    "NetworkELB HealthyHostCount": 2,
    "NetworkELB UnHealthyHostCount": 0,
    "NetworkELB PortAllocationErrorCount": 0,
    "ContainerInsights RunningTaskCount": 2,
    "ContainerInsights DesiredTaskCount": 2,
    "ContainerInsights EphemeralStorageUtilized": 4,
    "ContainerInsights EphemeralStorageReserved": 20,
    "ECS CPUUtilization": 55,
    "ECS MemoryUtilization": 60,
    "ECS HTTPCode_Target_2XX_Count": 100,
    "NATGateway ErrorPortAllocation": 0,
    "NATGateway PacketsDropCount": 0,
    "NATGateway PacketsInFromSource": 10_000,
    "NATGateway PacketsInFromDestination": 10_000,
    "AutoScaling GroupInServiceInstances": 1,
    "Lambda Errors": 0,
    "Lambda Throttles": 0,
    "Lambda AsyncEventAge": 200,
    "SQS ApproximateNumberOfMessagesVisible": 0,
    "CertificateManager DaysToExpiry": 190,
}
EVERY_SERVICE = ("Api", "Smtp", "Orders", "Web")
WITHOUT_TASKS: Changes = {
    "ECS CPUUtilization": None,
    "ECS MemoryUtilization": None,
    "ECS HTTPCode_Target_2XX_Count": None,
    "ContainerInsights EphemeralStorageUtilized": None,
    "ContainerInsights EphemeralStorageReserved": None,
    "ContainerInsights RunningTaskCount": 0,
    "ApplicationELB HealthyHostCount": None,
    "ApplicationELB UnHealthyHostCount": None,
    "NetworkELB HealthyHostCount": None,
    "NetworkELB UnHealthyHostCount": None,
    "ApplicationELB RequestCount": None,
    "ApplicationELB TargetResponseTime": None,
}


def monitoring(*names: str) -> set[str]:
    """Return the IDs of alarms that the monitoring made, such as `Web/Errors`."""
    return {f"Monitoring/Shop {name}" for name in names}


def of_services(alarm: str, *services: str) -> set[str]:
    """Return the IDs of an alarm of some services."""
    return monitoring(*(f"{each}/{alarm}" for each in services or EVERY_SERVICE))


class Scenario(NamedTuple):
    """What changes in a minute, the alarms that are raised, and the composite alarms that act, once each."""

    changes: Callable[[int], Changes]
    raised: set[str] = set()  # noqa: RUF012 - never changed
    calls: set[str] = set()  # noqa: RUF012
    minutes: range = range(120)
    usual: Mapping[str, float] = {"ApplicationELB RequestCount": 120, "ApplicationELB TargetResponseTime": 0.1}

    def world(self, minute: int, name: str) -> Number:
        """Return the value of a metric."""
        changes = self.changes(minute)
        return changes.get(name, STEADY.get(name))


def lasting(start: int, end: int, **changes: Number) -> Callable[[int], Changes]:
    """Return changes that last from a minute to another; `__` in a name is a space."""
    named = {name.replace("__", " "): value for name, value in changes.items()}
    return lambda minute: named if start <= minute < end else {}


def single(name: str, value: float, minutes: int = 1) -> Callable[[int], Changes]:
    """Return a change of one metric for some minutes."""
    return lambda minute: {name: value} if 60 <= minute < 60 + minutes else {}


def _night(_: int) -> Changes:
    return {
        "ApplicationELB RequestCount": None,
        "ApplicationELB TargetResponseTime": None,
        "ECS CPUUtilization": 1,
        "ECS HTTPCode_Target_2XX_Count": None,
        "NATGateway PacketsInFromSource": 3,
        "NATGateway PacketsInFromDestination": 3,
        # A stray packet of an old connection.
        "NATGateway PacketsDropCount": 1,
        "Lambda AsyncEventAge": None,
        "SQS ApproximateNumberOfMessagesVisible": None,
    }


def _two_a_minute(minute: int) -> Changes:
    """One request of an hour fails, and one is slow."""
    return {
        "ApplicationELB RequestCount": 2,
        "ApplicationELB HTTPCode_Target_5XX_Count": 1 if minute == 60 else None,
        "ApplicationELB HTTPCode_ELB_5XX_Count": 1 if minute == 80 else None,
        "ApplicationELB TargetResponseTime": 5 if minute == 70 else 0.1,
        "ECS HTTPCode_Target_2XX_Count": 2,
        "ECS HTTPCode_Target_5XX_Count": 1 if minute == 65 else None,
    }


def _first_day(minute: int) -> Changes:
    """Nothing has data yet; then tasks start, and the first requests come."""
    if minute < 10:
        return dict.fromkeys(STEADY)
    return {"ApplicationELB RequestCount": 3, "ECS HTTPCode_Target_2XX_Count": None, "ECS CPUUtilization": 3}


def _deployment(minute: int) -> Changes:
    """New tasks start beside the old ones; one fails a check, and three requests fail."""
    if not 60 <= minute < 70:
        return {}
    return {
        "ContainerInsights RunningTaskCount": 4,
        "ContainerInsights DesiredTaskCount": 2,
        "ApplicationELB HealthyHostCount": 2 if minute < 63 else 4,
        "ApplicationELB UnHealthyHostCount": 1 if minute == 62 else 0,
        "NetworkELB UnHealthyHostCount": 1 if minute == 62 else 0,
        "ApplicationELB HTTPCode_Target_5XX_Count": 3 if minute == 65 else None,
        "ApplicationELB HTTPCode_ELB_5XX_Count": 2 if minute == 66 else None,
        "ECS CPUUtilization": 85,
    }


def _surge(minute: int) -> Changes:
    """Twice the requests for 20 minutes; scaling needs 8 minutes for them."""
    if not 60 <= minute < 80:
        return {}
    tasks = {"ContainerInsights RunningTaskCount": 2 if minute < 66 else 5}
    return tasks | {
        "ApplicationELB RequestCount": 240,
        "ContainerInsights DesiredTaskCount": 2 if minute < 63 else 5,
        "ECS CPUUtilization": 95 if minute < 68 else 50,
    }


def _dead(minute: int) -> Changes:
    """No task can start any more; the load balancer answers 503."""
    return {**WITHOUT_TASKS, "ApplicationELB HTTPCode_ELB_5XX_Count": 120} if 60 <= minute < 90 else {}


def _burn(share: float) -> Callable[[int], Changes]:
    """Return a part of 100 responses that fail, all the time."""
    return lambda _: {"ApplicationELB HTTPCode_Target_5XX_Count": 120 * share / 100}


QUIET: Mapping[str, Scenario] = {
    "steady": Scenario(lambda _: {}),
    "quiet night": Scenario(_night),
    "first day": Scenario(_first_day, usual={}),  # nothing is learnt yet
    "deployment": Scenario(_deployment),
    "surge that scaling takes": Scenario(_surge),
    "two requests a minute": Scenario(_two_a_minute, usual={"ApplicationELB RequestCount": 2}),
    "zero tasks": Scenario(lambda _: {**WITHOUT_TASKS, "ContainerInsights DesiredTaskCount": 0}),
    "no data at all": Scenario(lambda minute: dict.fromkeys(STEADY) if minute > 60 else {}),
    "a task is replaced": Scenario(lasting(60, 70, ContainerInsights__RunningTaskCount=1)),
    "a minute of port errors": Scenario(single("NATGateway ErrorPortAllocation", 20)),
    "few dropped packets": Scenario(single("NATGateway PacketsDropCount", 5, 20)),
    "a NAT instance is replaced": Scenario(single("AutoScaling GroupInServiceInstances", 0, 5)),
    "one slow minute": Scenario(single("ApplicationELB TargetResponseTime", 10)),
}
FAULTS: Mapping[str, Scenario] = {
    "a bad version": Scenario(
        lasting(60, 80, ApplicationELB__HTTPCode_Target_5XX_Count=70),
        {"Web/RollbackAlarms/Errors", *monitoring("Web/FewErrors")},
        {"Web/Page"},
    ),
    "half of few requests fail": Scenario(
        lambda _: {"ApplicationELB RequestCount": 2, "ApplicationELB HTTPCode_Target_5XX_Count": 1},
        monitoring("Web/FewErrors", "Web/UnusualRequests"),
        {"Web/Page"},  # by the objective
    ),
    "no task can start": Scenario(
        _dead,
        {*of_services("NoTask"), *of_services("MissingTasks"), *monitoring("Endpoint/BalancerErrors")},
        {f"{each}/Page" for each in EVERY_SERVICE},
    ),
    "no task is healthy": Scenario(
        lasting(60, 75, ApplicationELB__HealthyHostCount=0, ApplicationELB__UnHealthyHostCount=2),
        {"Web/RollbackAlarms/Unhealthy", *monitoring("Web/NoHealthyTask")},
        {"Web/Page"},
    ),
    "no task behind a network load balancer is healthy": Scenario(
        lasting(60, 75, NetworkELB__HealthyHostCount=0, NetworkELB__UnHealthyHostCount=2),
        {"Smtp/RollbackAlarms/UnhealthySmtp", *monitoring("Smtp/NoHealthyListener")},
        {"Smtp/Page"},
    ),
    "one task stays unhealthy": Scenario(
        lasting(60, 75, ApplicationELB__UnHealthyHostCount=1), {"Web/RollbackAlarms/Unhealthy"}, {"Web/Ticket"}
    ),
    "the load balancer answers 502": Scenario(
        single("ApplicationELB HTTPCode_ELB_5XX_Count", 40, 10),
        monitoring("Endpoint/BalancerErrors"),
        {"Endpoint/Page"},
    ),
    "too many connections": Scenario(
        single("ApplicationELB RejectedConnectionCount", 5), monitoring("Endpoint/Rejected"), {"Endpoint/Ticket"}
    ),
    "no ports to tasks": Scenario(
        single("NetworkELB PortAllocationErrorCount", 5), monitoring("Mail/PortAllocation"), {"Mail/Ticket"}
    ),
    "a certificate is not renewed": Scenario(
        single("CertificateManager DaysToExpiry", 29), monitoring("Endpoint/Certificate"), {"Endpoint/Ticket"}
    ),
    "a task is missing": Scenario(
        lasting(60, 80, ContainerInsights__RunningTaskCount=1),
        of_services("MissingTasks"),
        {f"{each}/Ticket" for each in EVERY_SERVICE},
    ),
    "more load than tasks": Scenario(
        lasting(
            60,
            100,
            ECS__CPUUtilization=92,
            ContainerInsights__RunningTaskCount=10,
            ContainerInsights__DesiredTaskCount=10,
        ),
        {*of_services("Cpu", "Api", "Smtp", "Web"), *of_services("AtMaximum")},
        {f"{each}/Ticket" for each in EVERY_SERVICE},
    ),
    "a leak": Scenario(
        single("ECS MemoryUtilization", 95, 20), of_services("Memory"), {f"{each}/Ticket" for each in EVERY_SERVICE}
    ),
    "a full disk": Scenario(
        single("ContainerInsights EphemeralStorageUtilized", 17, 10),
        of_services("Disk"),
        {f"{each}/Ticket" for each in EVERY_SERVICE},
    ),
    "slow responses": Scenario(
        single("ApplicationELB TargetResponseTime", 3, 45),
        monitoring("Web/Latency", "Web/UnusualLatency"),
        {"Web/Ticket"},
    ),
    "unusually many requests": Scenario(
        single("ApplicationELB RequestCount", 400, 45), monitoring("Web/UnusualRequests"), {"Web/Ticket"}
    ),
    "a linked service fails": Scenario(
        single("ECS HTTPCode_Target_5XX_Count", 30, 10), monitoring("Web/LinkToapi"), {"Web/Ticket"}
    ),
    "bursts of port errors": Scenario(
        lambda minute: {"NATGateway ErrorPortAllocation": 9} if minute in {60, 65, 70} else {},
        monitoring("Network/Ports"),
        {"Network/Page"},
    ),
    "a NAT gateway drops packets": Scenario(
        single("NATGateway PacketsDropCount", 50, 10),
        monitoring("Network/Dropped1", "Network/Dropped2"),
        {"Network/Ticket"},
    ),
    "no NAT instance starts": Scenario(
        single("AutoScaling GroupInServiceInstances", 0, 15),
        monitoring("Cheap/NatInstance1", "Cheap/NatInstance2"),
        {"Cheap/Page"},
    ),
    "messages wait": Scenario(
        single("SQS ApproximateAgeOfOldestMessage", 700, 10), {"Orders/AgeAlarm"}, {"Orders/Page"}
    ),
    "dead letters, and a failed run": Scenario(
        single("SQS ApproximateNumberOfMessagesVisible", 1, 30),
        {"Orders/DeadLetterAlarm", "Report/Alarm"},
        {"Orders/Ticket", "Report/Ticket"},
    ),
    "functions of the archive fail": Scenario(
        single("Lambda Errors", 1),
        {f"Archive/{each}" for each in ("ErrorsAlarm", "ReplayErrorsAlarm", "Catalog/LogGroups/Alarm", "Merger/Alarm")},
        {"Archive/Ticket"},
    ),
    **{
        f"{metric} of the archive": Scenario(
            single(metric, value, minutes), {f"Archive/{alarm}Alarm"}, {f"Archive/{call}"}
        )
        for metric, value, minutes, alarm, call in (
            ("Lambda Throttles", 1, 1, "Throttles", "Ticket"),
            ("Lambda AsyncEventAge", 400_000, 1, "Age", "Ticket"),
            ("Lambda AsyncEventsDropped", 1, 1, "Dropped", "Ticket"),
            ("Lambda DestinationDeliveryFailures", 1, 1, "Undelivered", "Page"),
            ("LogArchive Lag", 700_000, 20, "Lag", "Ticket"),
            ("LogArchive QuarantinedBatches", 1, 1, "Quarantine", "Ticket"),
            ("LogArchive OldestFailureAge", 11_000, 60, "Waiting", "Ticket"),
            ("Logs DeliveryErrors", 1, 1, "DeliveryErrors", "Page"),
            ("Logs DeliveryThrottling", 1, 1, "DeliveryThrottling", "Ticket"),
        )
    },
}
# The error budget of 99.9 %: the first uses up 2 % of it in an hour, the second 5 % in 6 hours, and the third 10 % in
# 3 days.
BURNS: Mapping[str, Scenario] = {
    "fast burn": Scenario(_burn(2), calls={"Web/Page"}, minutes=range(100, 110)),
    "medium burn": Scenario(_burn(0.8), calls={"Web/Page"}, minutes=range(400, 410)),
    "slow burn": Scenario(_burn(0.2), calls={"Web/Ticket"}, minutes=range(5000, 5010)),
    "within the budget": Scenario(_burn(0.05), minutes=range(5000, 5010)),
    "a fast burn that is over": Scenario(
        lambda minute: _burn(3)(minute) if 0 <= minute < 60 else {}, minutes=range(70, 100)
    ),
}

"""Migrations of a local AWS, which runs no containers, end as a test wants it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.emulator.emulator import Emulator


@contextmanager
def ending_migrations(aws: Emulator, exit_code: int) -> Iterator[list[list[str]]]:
    """Let migrations end with an exit code; for each, yield the services that exist while it runs."""
    api = aws.client("ecs")
    services: list[list[str]] = []
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.1):
            for cluster in api.list_clusters()["clusterArns"]:
                tasks = api.list_tasks(cluster=cluster)["taskArns"]
                for task in api.describe_tasks(cluster=cluster, tasks=tasks)["tasks"]:
                    if "Migrate" in task["taskDefinitionArn"]:
                        services.append(api.list_services(cluster=cluster)["serviceArns"])
                        api.stop_task(cluster=cluster, task=task["taskArn"], reason=f"exit {exit_code}")

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield services
    finally:
        is_over.set()
        thread.join()

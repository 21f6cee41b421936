"""What is kept of the places of constructs."""

import pytest
from aws_cdk import App, Stack, Stage

from fargate_constructs import AuditedCluster, FixedEgressNetwork
from fargate_constructs._core.construct_paths import path_of, root_of, stack_of


@pytest.mark.parametrize("id", ["Network", "a/b", "Überweb", "a\nb", "a\tb", " a "])
def test_the_kept_place_is_that_of_the_node(id: str) -> None:  # noqa: A002 - as constructs
    """In a stage, whatever is in the IDs: versions of constructs replace other characters."""
    app = App()
    stack = Stack(Stage(app, "Prod"), "Shop")
    network = FixedEgressNetwork(stack, id)
    cluster = AuditedCluster(network, "Cluster", vpc=network.vpc)

    for construct in (network, cluster):
        assert path_of(construct) == construct.node.path
        assert stack_of(construct) is stack
        assert root_of(construct) is app

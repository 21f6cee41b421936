"""How callers arrive."""

from aws_cdk import Duration, SecretValue, Stack, Stage
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_s3 as s3

from fargate_constructs import (
    Accelerator,
    CloudFrontDistribution,
    Deployment,
    FargateService,
    FixedEgressNetwork,
    Health,
    HttpEndpoint,
    LoadBalancing,
    Scaling,
    SignIn,
    TcpEndpoint,
    Team,
    WebAcl,
)
from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import DOMAIN, IMAGE, answer_for, certificate_in, network_in, zone_in

WEB_ACL = "arn:aws:wafv2:{}/webacl/shop/12345678-1234-1234-1234-123456789012"


def plain(stage: Stage) -> None:
    """Anyone, over HTTP, under maintenance."""
    stack = Stack(stage, "Test")
    HttpEndpoint(stack, "Endpoint", network=network_in(stack)).maintenance()


def tls(stage: Stage) -> None:
    """Anyone, over HTTPS, at two names, with all logs."""
    stack = Stack(stage, "Test")
    zone = zone_in(stack)
    endpoint = HttpEndpoint(
        stack, "Endpoint", network=network_in(stack), domain_name=DOMAIN, hosted_zone=zone, connection_logs=True
    )
    endpoint.add_domain("*.example.com", hosted_zone=zone)


def given(stage: Stage) -> None:
    """A certificate, a bucket and a web ACL that were there before, and no protection from deletion."""
    stack = Stack(stage, "Test")
    endpoint = HttpEndpoint(
        stack,
        "Endpoint",
        network=network_in(stack),
        certificate=certificate_in(stack),
        access_log_bucket=s3.Bucket.from_bucket_name(stack, "Bucket", "access-logs"),
        web_acl=WebAcl.from_arn(WEB_ACL.format("eu-west-1:123456789012:regional")),
        deletion_protection=False,
    )
    answer_for(endpoint.load_balancer, "ELBDeletionProtectionEnabled")


def mutual_tls(stage: Stage) -> None:
    """Callers with certificates, which a trust store of the caller's knows."""
    stack = Stack(stage, "Test")
    trust_store = elbv2.TrustStore.from_trust_store_arn(
        stack, "TrustStore", "arn:aws:elasticloadbalancing:eu-west-1:123456789012:truststore/callers/0123456789abcdef"
    )
    HttpEndpoint(
        stack,
        "Endpoint",
        network=network_in(stack),
        domain_name=DOMAIN,
        certificate=certificate_in(stack),
        mutual_authentication=elbv2.MutualAuthentication(
            mutual_authentication_mode=elbv2.MutualAuthenticationMode.VERIFY, trust_store=trust_store
        ),
    )


def restricted(stage: Stage) -> None:
    """An office, a security group and two lists of proxies, by IPv4 and IPv6, behind a web ACL."""
    stack = Stack(stage, "Test")
    network = network_in(stack)
    office = ec2.SecurityGroup.from_security_group_id(stack, "Office", "sg-0123456789abcdef0")
    proxies = [ec2.Peer.prefix_list(f"pl-0123456789abcdef{number}") for number in range(2)]
    HttpEndpoint(
        stack,
        "Endpoint",
        network=network,
        domain_name=DOMAIN,
        hosted_zone=zone_in(stack),
        ip_address_type=elbv2.IpAddressType.DUAL_STACK,
        allow_cidrs=["203.0.113.0/24", "2001:db8::/32"],
        allow_from=[office, *proxies],
        web_acl=WebAcl.managed(rate_limit=2000),
    )


def static_ips(stage: Stage) -> None:
    """Fixed addresses, published."""
    stack = Stack(stage, "Test")
    endpoint = HttpEndpoint(
        stack,
        "Endpoint",
        network=network_in(stack),
        domain_name=DOMAIN,
        hosted_zone=zone_in(stack),
        static_ips=True,
    )
    endpoint.publish(parameter_name="/endpoint/ingress-ips")


def accelerator(stage: Stage) -> None:
    """Two addresses for the whole world."""
    stack = Stack(stage, "Test")
    endpoint = HttpEndpoint(stack, "Endpoint", network=network_in(stack), internal=True, allow_cidrs=["0.0.0.0/0"])
    Accelerator(stack, "Accelerator", endpoint=endpoint)


def cloud_front(stage: Stage) -> None:
    """HTTPS without a domain."""
    stack = Stack(stage, "Test")
    endpoint = HttpEndpoint(stack, "Endpoint", network=network_in(stack), internal=True)
    CloudFrontDistribution(stack, "Distribution", endpoint=endpoint)


def named_cloud_front(stage: Stage) -> None:
    """CloudFront with a domain name, in its own stack, behind a web ACL, with logs in an imported bucket."""
    stack, edge = Stack(stage, "Test"), Stack(stage, "Edge")
    certificate = certificate_in(edge)
    endpoint = HttpEndpoint(
        stack, "Endpoint", network=network_in(stack), internal=True, domain_name=DOMAIN, certificate=certificate
    )
    CloudFrontDistribution(
        edge,
        "Distribution",
        endpoint=endpoint,
        certificate=certificate,
        web_acl_arn=WEB_ACL.format("us-east-1:123456789012:global"),
        access_log_bucket=s3.Bucket.from_bucket_attributes(edge, "Logs", bucket_name="logs-of-all", region="eu-west-1"),
    )


def sign_in(stage: Stage) -> None:
    """A route for each way to prove who one is, of a service in a stack of its own."""
    stack, services = Stack(stage, "Test"), Stack(stage, "Services")
    network = network_in(stack)
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, domain_name=DOMAIN, hosted_zone=zone_in(stack))
    pool = cognito.UserPool.from_user_pool_id(services, "Pool", "eu-west-1_abcdefghi")
    ways = {
        "Oidc": SignIn.oidc(
            issuer="https://login.example.com",
            authorization_endpoint="https://login.example.com/authorize",
            token_endpoint="https://login.example.com/token",  # noqa: S106 - no password, but an address
            user_info_endpoint="https://login.example.com/userinfo",
            client_id="shop",
            client_secret=SecretValue.secrets_manager("shop-client"),
        ),
        "Cognito": SignIn.cognito(
            user_pool=pool,
            user_pool_client=cognito.UserPoolClient.from_user_pool_client_id(services, "Client", "client"),
            user_pool_domain=cognito.UserPoolDomain.from_domain_name(services, "Domain", "shop-users"),
        ),
        "Jwt": SignIn.jwt(
            issuer="https://login.example.com", jwks_endpoint="https://login.example.com/.well-known/jwks.json"
        ),
    }
    web = FargateService(services, "Web", network=network, image=IMAGE)
    for name, way in ways.items():
        endpoint.add_route(name, service=web, paths=[f"/{name.lower()}/*"], sign_in=way)


def imported(stage: Stage) -> None:
    """A listener made elsewhere, with routes by each kind of condition."""
    stack = Stack(stage, "Test")
    balancer = "eu-west-1:123456789012:listener/app/shared/0123456789abcdef"
    listener = elbv2.ApplicationListener.from_application_listener_attributes(
        stack,
        "Listener",
        listener_arn=f"arn:aws:elasticloadbalancing:{balancer}/0123456789abcdef",
        security_group=ec2.SecurityGroup.from_security_group_id(stack, "Balancer", "sg-0123456789abcdef0"),
    )
    web = FargateService(stack, "Web", network=network_in(stack), image=IMAGE)
    endpoint = HttpEndpoint.from_listener(stack, "Endpoint", listener)
    endpoint.add_route("Next", service=web, hosts=[DOMAIN], headers={"x-version": ["next"]}, methods=["GET"])
    endpoint.add_route("Office", service=web, query={"version": ["2"]}, source_ips=["203.0.113.0/24"])


def answers(stage: Stage) -> None:
    """Answers that no service gives, and a service that gets other hosts and paths than the callers wrote."""
    stack = Stack(stage, "Test")
    network = network_in(stack)
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, domain_name=DOMAIN, hosted_zone=zone_in(stack))
    endpoint.add_redirect("Www", hosts=[f"www.{DOMAIN}"], to_host=DOMAIN, status_code=301)
    endpoint.add_redirect("Moved", paths=["/old", "/old/*"], to_path="/new/*", to_query="")
    endpoint.add_fixed_response("Robots", paths=["/robots.txt"], message_body="User-agent: *\nDisallow: /\n")
    sticky = LoadBalancing.round_robin(slow_start=Duration.minutes(1), stickiness_cookie_duration=Duration.hours(1))
    web = FargateService(stack, "Web", network=network, image=IMAGE, load_balancing=sticky)
    next_web = FargateService(
        stack, "NextWeb", network=network, image=IMAGE, load_balancing=LoadBalancing.weighted_random()
    )
    weights = {web: 90, next_web: 10}
    endpoint.add_route(
        "Web",
        service=weights,
        stickiness_duration=Duration.hours(1),
        paths=["/web/*"],
        rewrite_host="web.internal",
        rewrite_path="/*",
    )
    endpoint.add_route("Branches", service=web, hosts=[r"^pr-[0-9]+[.]example[.]com$"], paths=[r"^/[a-z]{2}/login"])


def teams(stage: Stage) -> None:
    """An endpoint that one app shares, and a team's routes, certificate and maintenance page."""
    name = "/platform/endpoint"
    pay = Team(name="payments", owns=["pay.example.com"], priorities=(4000, 5999), sign_in=True)
    web = Team(name="web", owns=[DOMAIN], priorities=(6000, 7999), max_rules=30)
    stack = Stack(stage, "Test")
    endpoint = HttpEndpoint(
        stack, "Endpoint", network=network_in(stack), domain_name=DOMAIN, hosted_zone=zone_in(stack)
    )
    endpoint.share(parameter_name=name, teams=[pay, web])
    payments = Stack(stage, "Payments")
    shared = HttpEndpoint.from_shared(payments, "Endpoint", parameter_name=name, team=pay)
    shared.add_domain("pay.example.com", hosted_zone=zone_in(payments))
    api = FargateService(payments, "Api", network=network_in(payments), image=IMAGE, deployment=Deployment.canary())
    token = SignIn.jwt(issuer="https://login.example.com", jwks_endpoint="https://login.example.com/keys.json")
    shared.add_route("Api", service=api, hosts=["pay.example.com"], sign_in=token)
    shared.maintenance()


def tcp(stage: Stage) -> None:
    """A listener of each protocol at fixed addresses, for services of another stack: one also has a route."""
    stack, services = Stack(stage, "Test"), Stack(stage, "Services")
    network = network_in(stack)
    edge = TcpEndpoint(stack, "Edge", network=network, domain_name=DOMAIN, hosted_zone=zone_in(stack))
    edge.publish(parameter_name="/edge/ingress-ips")
    server = FargateService(
        services,
        "Server",
        network=network,
        image=IMAGE,
        port={"smtp": 2525, "dns": 5353, "http": 8080},
        scaling=Scaling(flows_per_target=1000),
        health=Health(path="/healthz"),
    )
    edge.add_listener("Smtp", port=25, service=server, proxy_protocol_v2=True, idle_timeout=Duration.minutes(10))
    edge.add_listener("Dns", port=53, service=server, protocol=elbv2.Protocol.TCP_UDP, target_port="dns")
    edge.add_listener(
        "Game",
        port=7777,
        service=server,
        protocol=elbv2.Protocol.UDP,
        target_port="dns",
        health_check_port="http",
        health_check_protocol=elbv2.Protocol.HTTP,
    )
    cluster = server.cluster
    mqtt = FargateService(
        services, "Mqtt", network=network, image=IMAGE, cluster=cluster, port=1883, deployment=Deployment.blue_green()
    )
    edge.add_listener("Mqtts", port=8883, service=mqtt, protocol=elbv2.Protocol.TLS, allow_cidrs=["203.0.113.0/24"])
    front = HttpEndpoint(stack, "Endpoint", network=network, internal=True, allow_cidrs=["10.0.0.0/8"])
    front.add_route("Web", service=server)


def dual_stack_network_in(stack: Stack) -> Network:
    """Return a network that is in the account already, with IPv6."""
    vpc = network_in(stack).vpc
    return FixedEgressNetwork.from_vpc(
        stack, "DualStack", vpc, egress_ips=["203.0.113.7"], egress_ipv6_cidrs=["2001:db8::/64"]
    )


def dual_stack(stage: Stage) -> None:
    """Callers of both families, and callers with IPv6 only, in an imported network whose IPv6 ranges are known."""
    stack, ipv6_only = Stack(stage, "Test"), Stack(stage, "Ipv6Only")
    network = dual_stack_network_in(stack)
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, domain_name=DOMAIN, hosted_zone=zone_in(stack))
    endpoint.add_route("Web", service=FargateService(stack, "Web", network=network, image=IMAGE))
    edge = TcpEndpoint(stack, "Edge", network=network, ip_address_type=elbv2.IpAddressType.DUAL_STACK)
    edge.add_listener("Smtp", port=25, service=FargateService(stack, "Server", network=network, image=IMAGE, port=2525))
    HttpEndpoint(
        ipv6_only,
        "Endpoint",
        network=dual_stack_network_in(ipv6_only),
        certificate=certificate_in(ipv6_only),
        ip_address_type=elbv2.IpAddressType.DUAL_STACK_WITHOUT_PUBLIC_IPV4,
    ).add_fixed_response("Hello", paths=["/hello"], message_body="hello over IPv6")


def internal_tcp(stage: Stage) -> None:
    """Within the company, with TLS to the task and without, at a load balancer made elsewhere too."""
    stack = Stack(stage, "Test")
    network = network_in(stack)
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "access-logs")
    edge = TcpEndpoint(
        stack,
        "Edge",
        network=network,
        internal=True,
        cross_zone_enabled=False,
        deletion_protection=False,
        access_log_bucket=bucket,
        allow_cidrs=["10.0.0.0/8"],
    )
    answer_for(edge.load_balancer, "ELBDeletionProtectionEnabled", "ELBCrossZoneLoadBalancingEnabled")
    proxy = FargateService(
        stack, "Proxy", network=network, image=IMAGE, port=5432, protocol=elbv2.ApplicationProtocol.HTTPS
    )
    edge.add_listener("Postgres", port=5432, service=proxy, certificate=certificate_in(stack))
    plain = Stack(stage, "Plain")
    unopened = TcpEndpoint(plain, "Edge", network=network_in(plain), internal=True)
    unopened.add_listener("Unopened", port=5432, service=proxy)
    shared = elbv2.NetworkLoadBalancer.from_network_load_balancer_attributes(
        stack,
        "Shared",
        load_balancer_arn="arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/a/0123456789abcdef",
        load_balancer_security_groups=["sg-0123456789abcdef0"],
    )
    imported = TcpEndpoint.from_load_balancer(stack, "Imported", shared)
    imported.add_listener("Postgres2", port=5433, service=proxy, allow_cidrs=["10.0.0.0/8"])


def ports(stage: Stage) -> None:
    """Services at several ports, sidecars' ports, and endpoints, deployed rolling and blue/green with test traffic."""
    stack, services = Stack(stage, "Test"), Stack(stage, "Services")
    network, certificate = network_in(stack), certificate_in(stack)
    public = HttpEndpoint(stack, "Public", network=network, certificate=certificate)
    internal = HttpEndpoint(stack, "Internal", network=network, internal=True, allow_cidrs=["10.0.0.0/8"])
    edge = TcpEndpoint(stack, "Edge", network=network)
    web = FargateService(
        services,
        "Web",
        network=network,
        image=IMAGE,
        port={"http": 8080, "grpc": 9090},
        protocol_version={"grpc": elbv2.ApplicationProtocolVersion.GRPC},
        health={"http": Health(path="/healthz", port="proxy-admin"), "proxy-admin": Health(path="/ready")},
        load_balancing={"http": LoadBalancing.least_outstanding_requests()},
    )
    proxy = web.add_sidecar("proxy", image=IMAGE)
    proxy.add_port_mappings(
        ecs.PortMapping(name="proxy-admin", container_port=9901), ecs.PortMapping(name="proxy-tcp", container_port=9902)
    )
    public.add_route("Web", service=web)
    public.add_route("Grpc", service=web, port="grpc", paths=["/shop.Shop/*"])
    internal.add_route("Internal", service=web)
    internal.add_route("Admin", service=web, port="proxy-admin", paths=["/proxy/*"])
    edge.add_listener("Proxy", port=9902, service=web, target_port="proxy-tcp")
    shop = FargateService(
        services,
        "Shop",
        network=network,
        image=IMAGE,
        cluster=web.cluster,
        deployment=Deployment.blue_green(test_header=("x-version", "next")),
    )
    public.add_route("Shop", service=shop, paths=["/shop/*"])
    edge.add_listener(
        "Shop",
        port=8443,
        test_port=18443,
        service=shop,
        certificate=certificate,
        alpn_policy=elbv2.AlpnPolicy.HTTP2_PREFERRED,
    )


MODES = {
    "plain": plain,
    "tls": tls,
    "given": given,
    "mutual-tls": mutual_tls,
    "restricted": restricted,
    "static-ips": static_ips,
    "accelerator": accelerator,
    "cloud-front": cloud_front,
    "named-cloud-front": named_cloud_front,
    "sign-in": sign_in,
    "answers": answers,
    "teams": teams,
    "imported": imported,
    "tcp": tcp,
    "dual-stack": dual_stack,
    "internal-tcp": internal_tcp,
    "ports": ports,
}

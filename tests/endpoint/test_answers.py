"""Redirects, fixed responses and rewrites: what the load balancer answers or changes itself."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from aws_cdk import CfnParameter, SecretValue, Token
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs import CloudFrontDistribution, Deployment, HttpEndpoint, SignIn
from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.listener_rules import plan_rules
from fargate_constructs.endpoint.priorities import ListenerRules
from fargate_constructs.endpoint.redirects import Redirect
from fargate_constructs.endpoint.routes import RoutedEndpoint
from tests.endpoint.lab import LISTENER_ARN, RULE, Lab
from tests.endpoint.test_priorities import priority
from tests.modes.made_elsewhere import DOMAIN

SIGN_IN = SignIn.oidc(
    issuer="https://login.example.com",
    authorization_endpoint="https://login.example.com/authorize",
    token_endpoint="https://login.example.com/token",  # noqa: S106  # an address
    user_info_endpoint="https://login.example.com/userinfo",
    client_id="shop",
    client_secret=SecretValue.secrets_manager("shop-client"),
)

TOKEN = "${Token[TOKEN.1]}"  # noqa: S105  # no secret

Properties = dict[str, Any]


def url_rewrite(regex: str, replace: str) -> list[Properties]:
    """Return the transforms of a rule that rewrites the URL."""
    rewrites = {"Rewrites": [{"Regex": regex, "Replace": replace}]}
    return [{"Type": "url-rewrite", "UrlRewriteConfig": rewrites}]


def host_rewrite(regex: str, replace: str) -> list[Properties]:
    """Return the transforms of a rule that rewrites the host."""
    rewrites = {"Rewrites": [{"Regex": regex, "Replace": replace}]}
    return [{"Type": "host-header-rewrite", "HostHeaderRewriteConfig": rewrites}]


# Arguments, the redirect and the transforms.
REDIRECTS: Mapping[str, tuple[Properties, Properties, list[Properties] | None]] = {
    "host": ({"hosts": ["www.a.com"], "to_host": "a.com"}, {"Host": "a.com", "StatusCode": "HTTP_302"}, None),
    "permanent": (
        {"hosts": ["old.a.com"], "to_host": "new.#{host}", "status_code": 301},
        {"Host": "new.#{host}", "StatusCode": "HTTP_301"},
        None,
    ),
    "path": (
        {"paths": ["/old"], "to_path": "/new", "to_query": ""},
        {"Path": "/new", "Query": "", "StatusCode": "HTTP_302"},
        None,
    ),
    "rest": (
        {"paths": ["/a/*"], "to_path": "/b/*.html"},
        {"Path": "/b/#{path}.html", "StatusCode": "HTTP_302"},
        url_rewrite(r"^/a/([^?]*)", "/$1"),
    ),
    "rest of two": (
        {"paths": ["/c", "/c/*"], "to_path": "/d/*"},
        {"Path": "/d/#{path}", "StatusCode": "HTTP_302"},
        url_rewrite(r"^(?:/c/([^?]*)|/c)", "/$1"),
    ),
    "rest in the middle": (
        {"paths": ["/e?/*.htm", "/e/xy*"], "to_path": "/f/*"},
        {"Path": "/f/#{path}", "StatusCode": "HTTP_302"},
        url_rewrite(r"^(?:/e/xy([^?]*)|/e[^?]/([^?]*)\.htm)", "/$1$2"),
    ),
    # The documented way is enough: only more before the whole path.
    "beginning": (
        {"paths": ["/g/*"], "to_path": "/v1/g/*", "to_query": "#{query}&a=b"},
        {"Path": "/v1/#{path}", "Query": "#{query}&a=b", "StatusCode": "HTTP_302"},
        None,
    ),
    "beginning of every path": (
        {"hosts": ["h.a.com"], "to_path": "/h/*", "to_host": "a.com"},
        {"Host": "a.com", "Path": "/h/#{path}", "StatusCode": "HTTP_302"},
        None,
    ),
    "nothing before the rest": (
        {"hosts": ["i.a.com"], "paths": ["/i/*"], "to_path": "/*", "to_host": "a.com"},
        {"Host": "a.com", "Path": "/#{path}", "StatusCode": "HTTP_302"},
        url_rewrite(r"^/i/([^?]*)", "/$1"),
    ),
    "expression": (
        {"paths": ["/j/*"], "to_path": (r"^/j/(\d+)/(.*)", "/k/id-$1-$2")},
        {"Path": "/k/#{path}", "StatusCode": "HTTP_302"},
        url_rewrite(r"^/j/(\d+)/(.*)", "/id-$1-$2"),
    ),
    "expression with a query string": (
        {"paths": ["/l/*"], "to_path": (r"^/l/(\d+)", "/m/item?back=/$1")},
        {"Path": "/m/#{path}", "StatusCode": "HTTP_302"},
        url_rewrite(r"^/l/(\d+)", "/item?back=/$1"),
    ),
    # `*.png` is `/*.png`: the slash is not part of the rest.
    "rest without a slash": (
        {"paths": ["*.png", "/n/*"], "to_path": "/img/*"},
        {"Path": "/img/#{path}", "StatusCode": "HTTP_302"},
        url_rewrite(r"^(?:/n/([^?]*)|/?([^?]*)\.png)", "/$1$2"),
    ),
    "beginning of each path": (
        {"hosts": ["o.a.com"], "paths": ["*"], "to_path": "/o/*", "to_host": "a.com"},
        {"Host": "a.com", "Path": "/o/#{path}", "StatusCode": "HTTP_302"},
        None,
    ),
}
RESPONSES: Mapping[str, tuple[Properties, Properties]] = {
    "empty": ({"paths": ["/ok"]}, {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": ""}),
    "page": (
        {"hosts": ["x.a.com"], "status_code": 503, "content_type": "text/html", "message_body": "é" * 512},
        {"StatusCode": "503", "ContentType": "text/html", "MessageBody": "é" * 512},
    ),
}
REWRITES: Mapping[str, tuple[Properties, list[Properties]]] = {
    "prefix": ({"paths": ["/r1/*"], "rewrite_path": "/*"}, url_rewrite(r"^/r1/([^?]*)", "/$1")),
    "fixed": ({"paths": ["/r2/*"], "rewrite_path": "/x.php"}, url_rewrite(r"^[^?]*", "/x.php")),
    "every path": ({"hosts": ["r3.a.com"], "rewrite_path": "/shop/*"}, url_rewrite(r"^/([^?]*)", "/shop/$1")),
    "special characters": (
        {"paths": ["/r4.$+*"], "rewrite_path": "/*"},
        url_rewrite(r"^/r4\.\$\+([^?]*)", "/$1"),
    ),
    "expression": (
        {"paths": ["/r5/*"], "rewrite_path": (r"^/(?<name>r5)/(a|b)", "/$2/$1?c=$2")},
        url_rewrite(r"^/(?<name>r5)/(a|b)", "/$2/$1?c=$2"),
    ),
    "nothing": ({"paths": ["/r10/*"], "rewrite_path": ("^/r10", "")}, url_rewrite("^/r10", "")),
    "host": ({"hosts": ["r6.a.com"], "rewrite_host": "b.internal"}, host_rewrite("^[^:]*", "b.internal")),
    "rest without a slash": (
        {"hosts": ["r9.a.com"], "paths": ["*.gif"], "rewrite_path": "/img/*.gif"},
        url_rewrite(r"^/?([^?]*)\.gif", "/img/$1.gif"),
    ),
    "rest of the host": (
        {"hosts": ["*.r7.com"], "rewrite_host": "*.internal"},
        host_rewrite(r"^([^:]*)\.r7\.com", "$1.internal"),
    ),
    "both": (
        {"hosts": ["r8.a.com"], "rewrite_host": ("^(r8)[.]a", "$1.b"), "rewrite_path": "/y"},
        [*host_rewrite("^(r8)[.]a", "$1.b"), *url_rewrite("^[^?]*", "/y")],
    ),
}


class Answers(Lab):
    """An endpoint with answers and rewrites of each kind, all of which are made before others are refused."""

    def __init__(self) -> None:
        super().__init__()
        self.endpoint = endpoint = self.http(domain_name=DOMAIN, certificate=self.certificate)
        self.web = self.service()
        tested = self.service("Tested", deployment=Deployment.blue_green(test_header=("x-version", "next")))
        self.redirects = {id_: endpoint.add_redirect(id_, **each[0]) for id_, each in REDIRECTS.items()}
        self.responses = {id_: endpoint.add_fixed_response(id_, **each[0]) for id_, each in RESPONSES.items()}
        self.rewrites = {id_: endpoint.add_route(id_, service=self.web, **each[0]) for id_, each in REWRITES.items()}
        self.tokens = self.add_tokens()
        endpoint.add_redirect("Login", paths=["/login"], to_path="/", sign_in=SIGN_IN, priority=7)
        endpoint.add_route("Tested", service=tested, paths=["/t/*"], rewrite_path="/*")
        assert self.template

    def add_tokens(self) -> Sequence[elbv2.ApplicationListenerRule]:
        """Add a redirect and a response of values known only when deployed, and accept such rewrites."""
        token = CfnParameter(self.stack, "Value").value_as_string
        rewrites = [(token, None), (None, f"/{token}"), (None, (token, "/$1")), (None, token)]
        for number, (host, path) in enumerate(rewrites):
            hosts = [f"t{number}.a.com"]
            self.endpoint.add_route(
                f"Token{number}", service=self.web, hosts=hosts, rewrite_host=host, rewrite_path=path
            )
        elsewhere = imported(self)
        return (
            elsewhere.add_redirect("A", hosts=["a.com"], to_host=token, to_path=f"/{token}", to_query=token),
            elsewhere.add_fixed_response("B", hosts=["b.com"], message_body=token),
        )


def imported(lab: Lab) -> RoutedEndpoint:
    """Return an endpoint of a listener made elsewhere."""
    return HttpEndpoint.from_listener(lab.stack, "Imported", lab.listener())


@pytest.fixture(scope="module")
def lab() -> Answers:
    """One for what is read and what is refused."""
    return Answers()


@pytest.mark.parametrize("name", REDIRECTS)
def test_redirects(lab: Answers, name: str) -> None:
    """A redirect has the priority of a route with its conditions. A rewrite keeps the rest of a path."""
    arguments, redirect, transforms = REDIRECTS[name]
    rule = lab.of(lab.redirects[name])

    assert rule["Actions"] == [{"Type": "redirect", "RedirectConfig": redirect}]
    assert rule.get("Transforms") == transforms
    conditions = {key: value for key, value in arguments.items() if key in {"hosts", "paths"}}
    assert rule["Priority"] == priority(**conditions)


@pytest.mark.parametrize("name", RESPONSES)
def test_fixed_responses(lab: Answers, name: str) -> None:
    """A response has a status, a type and a body of at most 1,024 bytes."""
    rule = lab.of(lab.responses[name])

    assert rule["Actions"] == [{"Type": "fixed-response", "FixedResponseConfig": RESPONSES[name][1]}]


@pytest.mark.parametrize("name", REWRITES)
def test_rewrites(lab: Answers, name: str) -> None:
    """The rule forwards what it has rewritten."""
    rule = lab.of(lab.rewrites[name])

    assert rule["Transforms"] == REWRITES[name][1]
    assert [each["Type"] for each in rule["Actions"]] == ["forward"]


def test_test_traffic_is_rewritten_too(lab: Answers) -> None:
    """Both rules of a route have its transforms."""
    transforms = url_rewrite(r"^/t/([^?]*)", "/$1")
    assert len(lab.all(RULE, Transforms=transforms)) == 2


def test_a_redirect_after_a_sign_in(lab: Answers) -> None:
    """Such as from a login page to the start page. A given priority is kept."""
    (rule,) = lab.all(RULE, Priority=7)

    assert [each["Type"] for each in rule["Actions"]] == ["authenticate-oidc", "redirect"]


def test_what_is_known_only_when_deployed_passes(lab: Answers) -> None:
    """Hosts, paths and bodies of answers may be tokens, also at a listener made elsewhere."""
    redirect, response = map(lab.of, lab.tokens)
    value = {"Ref": "Value"}
    found = {"Host": value, "Path": {"Fn::Join": ["", ["/", value]]}, "Query": value, "StatusCode": "HTTP_302"}
    assert redirect["Actions"][0]["RedirectConfig"] == found
    assert response["Actions"][0]["FixedResponseConfig"]["MessageBody"] == value
    assert redirect["ListenerArn"] == LISTENER_ARN


def test_callers_of_cloud_front_keep_https() -> None:
    """Between CloudFront and the endpoint may be plain HTTP, which callers do not see. The front may come later."""
    lab = Lab()
    hidden, open_ = (lab.http(name, internal=True) for name in ("Hidden", "Open"))
    rules = [endpoint.add_redirect("Moved", paths=["/a"], to_path="/b") for endpoint in (hidden, open_)]
    CloudFrontDistribution(lab.stack, "Distribution", endpoint=hidden)

    redirects = [lab.of(rule)["Actions"][0]["RedirectConfig"] for rule in rules]
    assert [(each["Protocol"], each["Port"]) for each in redirects] == [("HTTPS", "443"), ("#{protocol}", "#{port}")]
    assert not [each for each in redirects if "Host" in each]


# Redirects of an endpoint of a.com, and whether one of them never ends.
CIRCLES: Mapping[str, tuple[list[Properties], list[str]]] = {
    "itself": ([{"paths": ["/a/*"], "to_path": "/a/b/*"}], ["A to A"]),
    "itself, by its host": ([{"hosts": ["*.a.com"], "to_host": "b.a.com"}], ["A to A"]),
    "every host": ([{"to_host": "a.com"}], ["A to A"]),
    "two": (
        [{"hosts": ["www.a.com"], "to_host": "a.com"}, {"hosts": ["a.com"], "to_host": "WWW.a.com"}],
        ["A to B to A"],
    ),
    "two, and one before": (
        [
            {"paths": ["/start"], "to_path": "/a"},
            {"paths": ["/a"], "to_path": "/b"},
            {"paths": ["/b"], "to_path": "/a"},
        ],
        ["C to B to C"],
    ),
    "with the same header": ([{"paths": ["/a*"], "headers": {"x": ["1"]}, "to_path": "/ab"}], ["A to A"]),
    "one that ends": ([{"hosts": ["www.a.com"], "to_host": "a.com"}, {"paths": ["/a"], "to_path": "/b"}], []),
    "a rest that gets shorter": ([{"paths": ["/a/*"], "to_path": "/*", "to_host": "b.com"}], []),
    "another site": ([{"to_host": "b.com"}], []),
    "a page for all": ([{"to_path": "/page"}, {"paths": ["/page"], "to_path": "/end", "hosts": ["b.com"]}], []),
    "a POST, which becomes a GET": ([{"paths": ["/a"], "methods": ["POST"], "to_path": "/a", "to_host": "a.com"}], []),
    "another query string": ([{"query": {"a": ["1"]}, "to_path": "/b", "to_query": "c=d"}], []),
    "the caller's host": ([{"hosts": ["*.a.com"], "to_host": "b.#{host}"}], []),
    "an expression": ([{"paths": ["/a/*"], "to_path": ("^/a/(b)", "/a/$1")}], []),
    "known only when deployed": ([{"paths": ["/a"], "to_path": f"/{TOKEN}"}], []),
    "after one that is not known": (
        [{"hosts": [TOKEN], "to_path": "/x", "priority": 2}, {"paths": ["/a/*"], "to_path": "/a/b/*"}],
        [],
    ),
}


@pytest.mark.parametrize("name", CIRCLES)
def test_redirects_end(name: str) -> None:
    """Only redirects that never end are refused: other rules may answer what a redirect leads to."""
    redirects, expected = CIRCLES[name]
    rules = ListenerRules()
    for id_, arguments in zip("ABC", redirects, strict=False):
        to = {key: arguments.get(key) for key in ("to_host", "to_path", "to_query")}
        redirect = Redirect(**to, status_code=302)
        conditions = Conditions(**{key: each for key, each in arguments.items() if key not in {*to, "priority"}})
        next_request = redirect.next_request(conditions, frozenset({"a.com"}))
        rules.add(plan_rules(id_, conditions, arguments.get("priority"), next_request=next_request))

    assert [re.findall("circle of route (.*?);", each)[0] for each in rules.circles()] == expected


def test_another_answer_ends_a_circle() -> None:
    """All paths lead to a page, which has a route of its own."""
    endpoint = imported(Lab())
    endpoint.add_redirect("All", to_path="/login")

    assert list(endpoint._rules.circles())  # noqa: SLF001  # what synthesis asks
    endpoint.add_fixed_response("Login", paths=["/login"])
    assert not list(endpoint._rules.circles())  # noqa: SLF001  # the same


def test_synthesis_refuses_a_circle() -> None:
    """When all routes are known."""
    lab = Lab()
    imported(lab).add_redirect("Www", hosts=["*.a.com"], to_host="www.a.com")

    message = "redirects must end, got a circle of route 'Www' of Test/Imported to 'Www' of Test/Imported; list the hos"
    with pytest.raises(RuntimeError, match=message):
        lab.app.synth()


LONG = "a" * 128


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "a redirect must change the host or the path, got neither; give to_host or to_path"),
        ({"to_host": "#{host}"}, "a redirect must change the host or the path, got neither"),
        ({"to_host": "#{host}", "to_path": "/#{path}"}, "to_path '/#{path}' has nothing before the rest of the path"),
        ({"to_query": "a=b"}, "a redirect must change the host or the path, got neither"),
        ({"to_path": "/b", "status_code": 307}, "status_code must be 301 or 302, got: 307; a load balancer has no"),
        ({"to_path": "/b", "status_code": Token.as_number({"Ref": "Code"})}, "status_code must be known at synthesis"),
        ({"to_host": "https://a.com"}, "to_host must be a bare host name such as 'example.com', in which '#{host}' is"),
        ({"to_host": "a.com:8443"}, "got: 'a.com:8443'"),
        ({"to_host": "#{host}.#{host}"}, "got: '#{host}.#{host}'"),
        ({"to_host": "#{path}"}, "got: '#{path}'"),
        ({"to_host": ""}, "got: ''"),
        ({"to_host": f"a.{LONG}"}, "to_host must be at most 128 characters, got 130: 'a.aaa"),
        ({"to_path": "new"}, "to_path must be a path such as '/new/*', of visible ASCII characters, with one '*' at"),
        ({"to_path": "/b?c=d"}, "got: '/b?c=d'; write the query string as to_query"),
        ({"to_path": "/b/*/*"}, "got: '/b/*/*'"),
        ({"to_path": "/#{query}"}, "the keywords are #{host}, #{path}, #{port}"),
        ({"to_path": "/ä"}, "must be a path such as '/new/*', of visible ASCII characters"),
        ({"to_path": "/b/$1"}, "refers to a group and has no regular expression, got: '/b/$1'; give both: ('^/old/"),
        ({"to_path": ("^/a/(.*)", r"/b/\1")}, r"must refer to a group as in '$1', got '\\1' in the replacement: '/b"),
        ({"to_path": "/b/*/#{path}"}, "to_path must have each of #{host}, #{path}, #{port} once at most; a '*' is"),
        ({"to_path": "/#{host}/#{host}"}, "got '#{host}' twice: '/#{host}/#{host}'"),
        ({"to_path": f"/{LONG}"}, "to_path must be at most 128 characters, got 129: '/aaa"),
        ({"to_path": f"/{LONG[:121]}*"}, "to_path must be at most 128 characters, got 129: '/aaa"),
        ({"to_path": "/b", "to_query": "?c=d"}, "to_query must be a query string without '?', such as"),
        ({"to_path": "/b", "to_query": "ä"}, "got: 'ä'"),
        ({"to_path": "/b", "to_query": LONG + "b"}, "to_query must be at most 128 characters, got 129"),
        ({"to_path": "/*"}, "to_path '/*' has nothing before the rest of the path, and AWS takes such a redirect for"),
        ({"to_path": ("^/a/(.*)", "/$1")}, "has nothing before the rest of the path"),
        ({"to_path": "/new/*", "paths": ["/a"]}, "one of them must have it, got: ['/a']; give a regular expression"),
        ({"to_path": "/new/*", "paths": ["/a/*/b*"]}, "to_path has a '*', so each pattern of the route must have one"),
        ({"to_path": ("/a/(.*)", "/b/$1")}, "must have a regular expression that begins with '^' and a replacement"),
        ({"to_path": ("^/a/(.*)", "b/$1")}, "to_path must have a replacement that begins with '/', as each path"),
        ({"to_path": "/b", "paths": ["/old"]}, "has the same conditions as route 'path' of Test/Endpoint"),
        ({"to_path": "/b", "id": "page"}, "id must differ from the endpoint's other redirects and fixed responses"),
        ({"to_path": "/b", "priority": 1}, "priority must be 2 to 50000 and known at synthesis, got: 1"),
        ({"to_path": "/b", "paths": ["a"]}, "paths must hold patterns that start with '/'"),
    ],
)
def test_a_redirect_that_is_refused(lab: Answers, arguments: Properties, message: str) -> None:
    """Before anything is made: each case takes the same ID."""
    with pytest.raises(ValueError, match=re.escape(message)):
        lab.endpoint.add_redirect(**{"id": "New", "paths": ["/a/*"], **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"status_code": 302}, "status_code must be 200 to 299 or 400 to 599, got: 302; a redirect is made by"),
        ({"status_code": Token.as_number({"Ref": "Code"})}, "status_code must be known at synthesis, got a token"),
        ({"status_code": 99}, "status_code must be 200 to 299 or 400 to 599, got: 99"),
        ({"content_type": "text/xml"}, "content_type must be one of text/plain, text/css, text/html, application/java"),
        ({"message_body": "é" * 512 + "!"}, "message_body must be at most 1024 bytes, the limit of a load"),
        ({"id": "host"}, "id must differ from the endpoint's other redirects and fixed responses, got: 'host' again"),
        ({"paths": ["/ok"]}, "route 'New' of Test/Endpoint has the same conditions as route 'empty' of Test/Endpoint"),
        ({"paths": ["/ok"], "priority": 2}, "route 'New' of Test/Endpoint has the same conditions as route 'empty'"),
        ({"paths": ["/ok"], "status_code": 503}, "or remove it, or write a priority below 25336 on 'New' of"),
        ({"paths": ["/ok"], "status_code": 503, "priority": 40_000}, "or write a priority below 25336 on 'New' of"),
        ({"hosts": ["x.a.com"], "paths": []}, "or write a priority below 15942 on 'page' of Test/Endpoint to answer"),
    ],
)
def test_a_response_that_is_refused(lab: Answers, arguments: Properties, message: str) -> None:
    """Before anything is made."""
    with pytest.raises(ValueError, match=re.escape(message)):
        lab.endpoint.add_fixed_response(**{"id": "New", "paths": ["/a/*"], **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rewrite_path": "b"}, "rewrite_path must be a path such as '/*' or '/new/*', without '$', '?query' and a"),
        ({"rewrite_path": "/b?c=d"}, "got: '/b?c=d'; or give a regular expression and its replacement: ("),
        ({"rewrite_path": "/$1"}, "got: '/$1'"),
        ({"rewrite_path": "/v*2"}, "got: '/v*2'"),
        ({"rewrite_path": "/*", "paths": ["/a"]}, "rewrite_path has a '*', so each pattern of the route must have one"),
        ({"rewrite_path": "/*", "paths": [f"/{TOKEN}/*"], "priority": 9}, "cannot have a '*' for patterns that are"),
        ({"rewrite_path": ("^/a", "/$1")}, "refers to group $1 in '/$1', and its regular expression has 0: '^/a'"),
        ({"rewrite_path": ("^/a", "/ b")}, "must have a replacement of visible ASCII characters, got: '/ b'"),
        ({"rewrite_path": ("^/dp/([a-z]+)", "item?id=$1")}, "must have a replacement that begins with '/', as each"),
        ({"rewrite_path": ("^/a", "/" * 1025)}, "must have a replacement of at most 1024 characters, got: 1025"),
        ({"rewrite_path": ("a" * 1025, "/")}, "must have regular expressions of at most 1024 characters, got 1025:"),
        ({"rewrite_path": "/*", "paths": [f"/{'.' * 125}*"] * 4}, "must have a regular expression of at most 1024"),
        ({"rewrite_path": ("^/ä", "/")}, "must have regular expressions of visible ASCII characters, got: '^/ä'"),
        ({"rewrite_path": ("^/a b", "/")}, "got: '^/a b'"),
        ({"rewrite_path": ("^/(a", "/")}, "has a malformed regular expression, got: '^/(a' (missing ), unterminated"),
        ({"rewrite_path": ("^/(?=a)", "/")}, "has a lookahead or lookbehind in '^/(?=a)', which a load balancer does"),
        ({"rewrite_path": ("^/(?<!a)", "/")}, "has a lookahead or lookbehind"),
        ({"rewrite_path": (r"^/(a)\1", "/")}, "has a backreference"),
        ({"rewrite_path": (r"^/(?<n>a)\k<n>", "/")}, "has a backreference"),
        ({"rewrite_path": ("^/(?>a)", "/")}, "has an atomic group"),
        ({"rewrite_path": ("^/a++", "/")}, "has a possessive quantifier"),
        ({"rewrite_path": (r"^/[\p{L}]", "/")}, "has a Unicode character class"),
        ({"rewrite_path": ("^/(?R)", "/")}, "has a flag, subroutine, recursion or condition"),
        ({"rewrite_path": ("(?i)^/a", "/")}, "has a flag, subroutine, recursion or condition"),
        ({"rewrite_path": (r"^/a\Z", "/")}, "has an escape"),
        ({"rewrite_path": ("^/[[:alpha:]]", "/")}, "has a POSIX class"),
        ({"rewrite_path": ("^/{id}", "/")}, "has a '{' that begins no '{1,2}'"),
        ({"rewrite_host": "a.com:80"}, "rewrite_host must be a bare host name, which may have a '*', got: 'a.com:80'"),
        ({"rewrite_host": "*.a.com"}, "rewrite_host has a '*', so each pattern of the route must have one '*' at most"),
    ],
)
def test_a_rewrite_that_is_refused(lab: Answers, arguments: Properties, message: str) -> None:
    """The message says what a load balancer does not support."""
    given = {"id": "New", "service": lab.web, "paths": ["/a/*"], "hosts": ["a.com"], **arguments}
    with pytest.raises(ValueError, match=re.escape(message)):
        lab.endpoint.add_route(**given)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"to_path": ["/a"]}, "to_path must be str or (str, str) or None, got: ['/a']"),
        ({"to_path": "/b", "status_code": "301"}, "status_code must be int, got: '301'"),
        ({"to": "/b"}, "to"),
    ],
)
def test_arguments_of_another_type_are_refused(lab: Answers, arguments: Properties, message: str) -> None:
    """The message says which types there are."""
    with pytest.raises(TypeError, match=re.escape(message)):
        lab.endpoint.add_redirect("New", paths=["/a"], **arguments)


def test_plain_http_has_no_sign_in(idle: Lab) -> None:
    """Nor has an answer that no service gives."""
    with pytest.raises(ValueError, match="sign_in needs an endpoint with HTTPS, got: Test/PlainAnswers/LoadBalancer/H"):
        idle.http("PlainAnswers").add_fixed_response("New", sign_in=SIGN_IN)

"""The chart as Helm renders it."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts import Manifest, helm, render
from webjobs.model.limits import Limits
from webjobs_apiserver.auth.credentials import KEYS, Accounts
from webjobs_apiserver.config import ApiserverConfig, ConnectionsConfig, OidcConfig
from webjobs_operator.config import OperatorConfig

DEFAULT = render()


def test_both_processes_can_read_what_the_chart_writes() -> None:
    operator = DEFAULT["ConfigMap", "webjobs-operator"]["data"]["config.yaml"]
    config = OperatorConfig.model_validate(yaml.safe_load(operator))
    assert config.package_url == "http://webjobs-apiserver.system.svc:80"
    assert set(config.runtimes) == {
        *("sh", "py", "js", "php", "ps1", "fsx", "jar", "tools", "dotnet", "aspnet", "mono", "wine"),
    }
    apiserver = DEFAULT["ConfigMap", "webjobs-apiserver"]["data"]["config.yaml"]
    assert ApiserverConfig.model_validate(yaml.safe_load(apiserver)).namespace == "webjobs-site"


@pytest.mark.parametrize("chosen", [None, 65532, 12345, 1000680000, "platform"])
def test_one_value_is_the_user_of_all_pods(chosen: int | str | None) -> None:
    values = {} if chosen is None else {"runAsUser": None if chosen == "platform" else chosen}
    found = render(values)
    ids = {"runAsUser": chosen or 65532, "runAsGroup": 65532, "fsGroup": 65532}
    expected = {} if chosen == "platform" else ids
    config = OperatorConfig.model_validate(
        yaml.safe_load(found["ConfigMap", "webjobs-operator"]["data"]["config.yaml"])
    )
    contexts = [config.pod_security_context]
    for name in ("webjobs-operator", "webjobs-apiserver"):
        contexts.append(found["Deployment", name]["spec"]["template"]["spec"]["securityContext"])
    for context in contexts:
        assert context["runAsNonRoot"] is True
        assert {key: context[key] for key in ("runAsUser", "runAsGroup", "fsGroup") if key in context} == expected


@pytest.mark.parametrize(
    "chosen", [{"runAsUser": 7}, {"runAsGroup": 0}, {"runAsUser": 7, "runAsGroup": 0, "fsGroup": 0}]
)
def test_jobs_can_have_another_user(chosen: dict[str, int]) -> None:
    config = render({"jobs": {"podSecurityContext": chosen}})["ConfigMap", "webjobs-operator"]["data"]
    found = yaml.safe_load(config["config.yaml"])["podSecurityContext"]
    usual = dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"), 65532)
    assert {key: found[key] for key in usual} == usual | chosen


@pytest.mark.parametrize("bad", [0, -1, "65532", 1.5])
def test_a_user_that_pods_can_not_have(bad: object) -> None:
    done = helm({"runAsUser": bad})
    assert done.returncode != 0
    assert "runAsUser" in done.stderr


@pytest.mark.parametrize("name", ["webjobs-operator", "webjobs-apiserver"])
def test_pods_are_restricted(name: str) -> None:
    pod = DEFAULT["Deployment", name]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


def test_roles_are_small() -> None:
    rules = [
        (name, rule)
        for (kind, name), one in DEFAULT.items()
        if kind in ("Role", "ClusterRole")
        for rule in one["rules"]
    ]
    for _, rule in rules:
        assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
    secrets = {name: rule for name, rule in rules if "secrets" in rule["resources"]}
    assert {name: (rule["resourceNames"], rule["verbs"]) for name, rule in secrets.items()} == {
        "webjobs-apiserver": (["webjobs-settings", "webjobs-hooks"], ["get", "update"]),
        "system-webjobs-operator": (["webjobs-settings"], ["get", "list", "watch"]),
    }
    shim = {resource for name, rule in rules if name == "webjobs-apiserver" for resource in rule["resources"]}
    assert shim == {
        "webjobs",
        "webjobs/status",
        "webjobs/finalizers",
        "webjobruns",
        "webjobruns/status",
        "webjobschedules",
        "webjobschedules/status",
        "pods",
        "pods/log",
        "configmaps",
        "secrets",
    }
    cluster_wide = [rule for name, rule in rules if name == "system-webjobs-apiserver"]
    assert cluster_wide == [
        {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
        {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
    ]


def test_the_shim_can_make_no_secret_and_so_no_token() -> None:
    """With create, one of type kubernetes.io/service-account-token could have a name that it reads."""
    sites = {"sites": [{"namespace": "blog"}], "kragle": {"enabled": True}}
    done = helm(sites | {"site": {"namespace": "shop"}})
    found = [one for one in yaml.safe_load_all(done.stdout) if one]
    made = {(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]): one for one in found}
    for role in (one for one in found if one["kind"] == "Role"):
        for rule in role["rules"]:
            if {"secrets", "configmaps"} & set(rule["resources"]):
                assert "create" not in rule["verbs"]
                for name in rule["resourceNames"]:
                    kind = "Secret" if "secrets" in rule["resources"] else "ConfigMap"
                    there = made.get((kind, role["metadata"]["namespace"], name))
                    # What it may write is made by the chart, without data, so that no upgrade overwrites any.
                    if "update" in rule["verbs"]:
                        assert there is not None
                        assert not {"data", "stringData"} & there.keys()
                        assert there["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
                        assert there.get("type", "Opaque") == "Opaque"


def test_the_roles_of_kubernetes_get_rights_on_webjobs_by_a_value() -> None:
    assert not [name for _, name in DEFAULT if name.endswith(("-view", "-edit"))]
    found = render({"aggregateRoles": True})
    view, edit = (found["ClusterRole", f"system-webjobs-{name}"] for name in ("view", "edit"))
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    for role, names in ((view, {"view"}), (edit, {"edit", "admin"})):
        labels = {key.removeprefix(prefix) for key in role["metadata"]["labels"] if key.startswith(prefix)}
        assert labels == names
        for rule in role["rules"]:
            assert rule["apiGroups"] == ["webjobs.dev"], "neither settings nor hooks, which are Secrets"
            assert not {one for one in rule["resources"] if one.endswith(("/status", "/finalizers"))}
    assert {verb for rule in view["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}


@pytest.mark.parametrize(
    ("warm", "version", "requests"),
    [
        ({}, "1.33.0", {"cpu": "10m", "memory": "32Mi"}),
        ({}, "v1.36.3-gke.1", {"cpu": "10m", "memory": "32Mi"}),
        ({"requests": {"cpu": "1m"}}, "1.36.0", {"cpu": "1m", "memory": "32Mi"}),
        ({"requests": {"cpu": None}}, "1.36.0", {"memory": "32Mi"}),
        ({"requests": None}, "1.36.0", {}),
        ({}, "1.32.9", {}),
    ],
)
def test_pods_that_wait_are_small_where_pods_can_be_resized(warm: Manifest, version: str, requests: Manifest) -> None:
    found = render({"warm": {"enabled": True} | warm}, "--kube-version", version)
    written = found["ConfigMap", "webjobs-operator"]["data"]["config.yaml"]
    config = OperatorConfig.model_validate(yaml.safe_load(written))
    assert (config.warm.enabled, config.warm.requests.to_dict()) == (True, requests)
    rights = [
        resource for rule in found["ClusterRole", "system-webjobs-operator"]["rules"] for resource in rule["resources"]
    ]
    assert "pods/attach" in rights
    assert ("pods/resize" in rights) == bool(requests)


def test_every_site_has_a_role_that_reads_its_one_secret() -> None:
    sites = [{"namespace": "blog"}, {"namespace": "shop", "host": "shop.example.org"}]
    done = helm({"sites": sites, "domain": "scm.example.com", "sitesSecret": "rest"})
    found = [one for one in yaml.safe_load_all(done.stdout) if one and one["metadata"]["name"] == "webjobs-apiserver"]
    roles = {one["metadata"]["namespace"]: one["rules"] for one in found if one["kind"] == "Role"}
    bound = {one["metadata"]["namespace"] for one in found if one["kind"] == "RoleBinding"}
    assert set(roles) == bound == {"webjobs-site", "blog", "shop"}
    secret = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["rest"], "verbs": ["get"]}
    assert roles["blog"] == roles["shop"] == [*roles["webjobs-site"], secret]
    (written,) = [one for one in found if one["kind"] == "ConfigMap"]
    config = ApiserverConfig.model_validate(yaml.safe_load(written["data"]["config.yaml"]))
    assert {host: site.namespace for host, site in config.host_map().items()} == {
        "webjobs-site.scm.example.com": "webjobs-site",
        "blog.scm.example.com": "blog",
        "shop.example.org": "shop",
        "shop.scm.example.org": "shop",
    }


def test_the_kragle_api_and_its_rights_come_together() -> None:
    def shim(values: dict[str, Any]) -> tuple[ApiserverConfig, list[dict[str, Any]]]:
        found = render(values)
        written = yaml.safe_load(found["ConfigMap", "webjobs-apiserver"]["data"]["config.yaml"])
        return ApiserverConfig.model_validate(written), found["Role", "webjobs-apiserver"]["rules"]

    (off, few), (on, more) = shim({}), shim({"kragle": {"enabled": True, "httpStatus": "http"}})
    assert (off.kragle.enabled, on.kragle.enabled) == (False, True)
    assert (off.kragle.http_status, on.kragle.http_status) == ("kragle", "http")
    assert [rule for rule in more if rule not in few] == [
        {
            "apiGroups": ["webjobs.dev"],
            "resources": ["webjobschedules"],
            "verbs": ["patch", "delete"],
        },
        {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "resourceNames": ["webjobs-kragle"],
            "verbs": ["get", "update"],
        },
    ]
    pods = [
        render({"kragle": {"enabled": value}})["Deployment", "webjobs-apiserver"]["spec"]["template"]
        for value in (False, True)
    ]
    assert pods[0]["metadata"]["annotations"] != pods[1]["metadata"]["annotations"], "it starts anew"


def test_the_default_site_is_a_namespace_of_its_own() -> None:
    made = DEFAULT["Namespace", "webjobs-site"]["metadata"]
    assert made["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"
    assert made["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert not [kind for kind, _ in render({"site": {"create": False}}) if kind == "Namespace"]
    assert ("Namespace", "shop") in render({"site": {"namespace": "shop"}})


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"site": {"namespace": "system"}}, "namespace system is the release's own"),
        ({"sites": [{"namespace": "system", "host": "a.example.com"}]}, "namespace system is the release's own"),
        ({"site": {"namespace": ""}}, "name the namespace of the default site's WebJobs"),
    ],
)
def test_the_releases_own_namespace_is_no_site_unless_a_value_says_so(values: dict[str, Any], why: str) -> None:
    done = helm(values)
    assert done.returncode != 0
    assert why in done.stderr
    assert limits_of(DEFAULT).refused_namespaces == ["kube-system", "kube-public", "kube-node-lease", "system"]
    allowed = render({"site": {"namespace": "system"}, "allowReleaseNamespace": True})
    assert limits_of(allowed).refused_namespaces == ["kube-system", "kube-public", "kube-node-lease"]
    assert ("Namespace", "system") not in allowed


def limits_of(found: dict[tuple[str, str], Manifest]) -> Limits:
    """The limits of both processes, which are the same."""
    operator = OperatorConfig.model_validate(
        yaml.safe_load(found["ConfigMap", "webjobs-operator"]["data"]["config.yaml"])
    )
    shim = ApiserverConfig.model_validate(
        yaml.safe_load(found["ConfigMap", "webjobs-apiserver"]["data"]["config.yaml"])
    )
    assert operator.limits == shim.job_limits
    return operator.limits


def test_limits_reach_both_processes_and_start_them_anew() -> None:
    values = {"images": ["a/*"], "serviceAccounts": ["job-*"], "podTemplate": "none", "fromDeployment": False}
    found = render({"limits": values})
    limits = limits_of(found)
    assert (limits.images, limits.service_accounts) == (["a/*"], ["job-*"])
    assert (limits.pod_template, limits.from_deployment) == ("none", False)
    assert "docker.io/library/node:22-slim" in limits.own_images, "what the administrator chose is allowed"
    assert not limits_of(DEFAULT).concern_pods
    for name in ("webjobs-operator", "webjobs-apiserver"):
        pods = [one["Deployment", name]["spec"]["template"]["metadata"]["annotations"] for one in (found, DEFAULT)]
        assert pods[0]["checksum/config"] != pods[1]["checksum/config"]


@pytest.mark.parametrize(("name", "expected"), [("", "webjobs-site"), ("Contoso-Web", "Contoso-Web"), ("01", "01")])
def test_the_default_site_has_a_name(name: str, expected: str) -> None:
    done = helm({"site": {"name": name}})
    (written,) = [
        one["data"]["config.yaml"]
        for one in yaml.safe_load_all(done.stdout)
        if one and one["kind"] == "ConfigMap" and one["metadata"]["name"] == "webjobs-apiserver"
    ]
    config = ApiserverConfig.model_validate(yaml.safe_load(written))
    assert (config.site, config.namespace) == (expected, "webjobs-site")


def test_tls() -> None:
    assert "tls" not in DEFAULT["ConfigMap", "webjobs-apiserver"]["data"]["config.yaml"]
    found = render({"apiserver": {"tls": {"secretName": "own"}, "service": {"type": "NodePort", "nodePort": 30443}}})
    written = found["ConfigMap", "webjobs-apiserver"]["data"]["config.yaml"]
    config = ApiserverConfig.model_validate(yaml.safe_load(written))
    assert config.tls
    assert (str(config.tls.directory), config.tls.port) == ("/etc/webjobs-tls", 8443)
    pod = found["Deployment", "webjobs-apiserver"]["spec"]["template"]["spec"]
    assert {"name": "tls", "secret": {"secretName": "own"}} in pod["volumes"]
    (container,) = pod["containers"]
    assert {"name": "tls", "mountPath": "/etc/webjobs-tls", "readOnly": True} in container["volumeMounts"]
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == {
        "http": 8080,
        "https": 8443,
        "metrics": 8081,
    }
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}  # the port in clear has it
    assert found["Service", "webjobs-apiserver"]["spec"]["ports"] == [
        {"name": "http", "port": 80, "targetPort": "http"},
        {"name": "https", "port": 443, "targetPort": "https", "nodePort": 30443},
    ]
    operator = yaml.safe_load(found["ConfigMap", "webjobs-operator"]["data"]["config.yaml"])
    assert operator["packageUrl"] == "http://webjobs-apiserver.system.svc:80"


def _accounts(values: dict[str, Any]) -> dict[str, str]:
    secret = render(values)["Secret", "webjobs-credentials"]
    assert "stringData" not in secret
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def test_a_reader_is_made_when_it_has_a_name() -> None:
    assert set(_accounts({})) == {"username", "password"}
    made = _accounts({"credentials": {"readonlyUsername": "looks"}})
    assert set(made) == set(KEYS) - {"deployPassword"}
    assert len(made["readonlyPassword"]) == 40
    assert made["readonlyPassword"] != made["password"]
    accounts = Accounts.of({key: value.encode() for key, value in made.items()})
    assert accounts.role_of(b"looks", made["readonlyPassword"].encode()) == "reader"
    given = {"readonlyUsername": "looks", "readonlyPassword": 'qu"ote: #', "password": "pässword"}
    assert _accounts({"credentials": given}) == given | {"username": "webjobs"}


def test_a_deploy_password_is_made_when_it_is_wanted() -> None:
    made = _accounts({"credentials": {"deploy": True}})
    assert set(made) == {"username", "password", "deployPassword"}
    assert len(made["deployPassword"]) == 40
    assert made["deployPassword"] != made["password"]
    accounts = Accounts.of({key: value.encode() for key, value in made.items()})
    assert accounts.role_of(b"$shop", made["deployPassword"].encode(), aliases=[b"$shop"]) == "deployer"
    given = {"deploy": True, "deployPassword": 'qu"ote: #ä', "password": "pässword"}
    assert _accounts({"credentials": given})["deployPassword"] == given["deployPassword"]
    assert set(_accounts({"credentials": {"deploy": True, "readonlyUsername": "looks"}})) == set(KEYS)


def test_a_login_by_openid_connect() -> None:
    given = {"issuer": "https://id.example/t/", "clientId": "dash", "groupsPrefix": "corp:", "scopes": ["openid", "x"]}
    found = render({"apiserver": {"ui": {"oidc": given | {"clientSecret": "own", "caSecret": "authority"}}}})
    written = yaml.safe_load(found["ConfigMap", "webjobs-apiserver"]["data"]["config.yaml"])
    assert ApiserverConfig.model_validate(written).ui.oidc == OidcConfig(
        issuer="https://id.example/t/",
        client_id="dash",
        client_secret_file=Path("/etc/webjobs-oidc-client/clientSecret"),
        ca_file=Path("/etc/webjobs-oidc-ca/ca.crt"),
        groups_prefix="corp:",
        scopes=["openid", "x"],
    ), "the chart's defaults are the shim's"
    pod = found["Deployment", "webjobs-apiserver"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    for name, secret in (("oidc-client", "own"), ("oidc-ca", "authority")):
        assert {"name": name, "secret": {"secretName": secret}} in pod["volumes"]
        assert {"name": name, "mountPath": f"/etc/webjobs-{name}", "readOnly": True} in container["volumeMounts"]


@pytest.mark.parametrize(
    "ui",
    [{}, {"oidc": {"clientSecret": "own"}}, {"enabled": False, "oidc": {"issuer": "https://a.example"}}],
)
def test_no_login_by_openid_connect(ui: Manifest) -> None:
    found = render({"apiserver": {"ui": ui}})
    written = yaml.safe_load(found["ConfigMap", "webjobs-apiserver"]["data"]["config.yaml"])
    assert ApiserverConfig.model_validate(written).ui.oidc is None
    pod = found["Deployment", "webjobs-apiserver"]["spec"]["template"]["spec"]
    assert not [one for one in pod["volumes"] if one["name"].startswith("oidc")]


def test_a_public_client_of_openid_connect_on_this_machine() -> None:
    """http is for a proxy or an issuer in the same pod."""
    given = {"issuer": "http://127.0.0.1:5556/dex", "clientId": "dash"}
    found = render({"apiserver": {"ui": {"oidc": given}}})
    written = yaml.safe_load(found["ConfigMap", "webjobs-apiserver"]["data"]["config.yaml"])
    assert ApiserverConfig.model_validate(written).ui.oidc == OidcConfig.model_validate(given)


@pytest.mark.parametrize(
    ("oidc", "field"),
    [
        ({"clientId": ""}, "clientId"),
        ({"issuer": "http://id.example"}, "issuer"),
        ({"issuer": "https://id.example?a=b"}, "issuer"),
        ({"usernamePrefix": ""}, "usernamePrefix"),
        ({"groupsPrefix": ""}, "groupsPrefix"),
        ({"groupsPrefix": "system:"}, "groupsPrefix"),
        ({"groupsPrefix": "sys"}, "groupsPrefix"),
        ({"scopes": ["email"]}, "scopes"),
        ({"secret": "x"}, "secret"),
    ],
)
def test_a_login_by_openid_connect_that_is_refused(oidc: Manifest, field: str) -> None:
    done = helm({"apiserver": {"ui": {"oidc": {"issuer": "https://id.example", "clientId": "dash"} | oidc}}})
    assert done.returncode != 0
    assert field in done.stderr


def test_bounds_of_connections_reach_the_shim() -> None:
    found = render({"apiserver": {"connections": {"most": 50, "headSeconds": 2.5}}})
    read = ApiserverConfig.model_validate(
        yaml.safe_load(found["ConfigMap", "webjobs-apiserver"]["data"]["config.yaml"])
    ).connections
    assert read == ConnectionsConfig(most=50, head_seconds=2.5), "the chart's defaults are the shim's"
    for wrong in ({"most": 1}, {"headSeconds": 0}, {"perAddress": 5}):
        assert helm({"apiserver": {"connections": wrong}}).returncode != 0


def test_receivers_of_web_hooks_can_be_allowed() -> None:
    given = {"allow": ["hooks.shop.svc", "*.corp.example", "10.1.0.0/16"], "deny": ["34.118.224.0/20"]}
    found = render({"apiserver": {"hooks": given}})
    read = ApiserverConfig.model_validate(
        yaml.safe_load(found["ConfigMap", "webjobs-apiserver"]["data"]["config.yaml"])
    ).hooks
    assert (read.allow, read.deny) == (given["allow"], given["deny"])
    wrong: Manifest
    for wrong in ({"deny": ["a.example"]}, {"allow": "*"}, {"allowed": []}):
        assert helm({"apiserver": {"hooks": wrong}}).returncode != 0


def test_metrics_are_for_labelled_namespaces() -> None:
    """They name the jobs of all namespaces, and ask for no login."""
    policy = DEFAULT["NetworkPolicy", "webjobs-operator-metrics"]["spec"]
    operator = DEFAULT["Deployment", "webjobs-operator"]["spec"]["template"]["metadata"]
    assert policy["podSelector"]["matchLabels"].items() <= operator["labels"].items()
    apiserver = DEFAULT["Deployment", "webjobs-apiserver"]["spec"]["template"]["metadata"]
    assert not policy["podSelector"]["matchLabels"].items() <= apiserver["labels"].items()
    assert policy["policyTypes"] == ["Ingress"]
    assert policy["ingress"] == [
        {"ports": [{"protocol": "TCP", "port": 8080}]},
        {
            "ports": [{"protocol": "TCP", "port": 8081}],
            "from": [{"namespaceSelector": {"matchLabels": {"webjobs.dev/metrics": "true"}}}],
        },
    ]


def test_whose_pods_may_read_metrics_can_be_chosen() -> None:
    names = {"kubernetes.io/metadata.name": "monitoring", "webjobs.dev/metrics": None}
    pods = {"matchLabels": {"app": "prometheus"}}
    given = {"namespaceSelector": {"matchLabels": names}, "podSelector": pods}
    found = render({"operator": {"metrics": {"networkPolicy": given}}})
    (source,) = found["NetworkPolicy", "webjobs-operator-metrics"]["spec"]["ingress"][1]["from"]
    assert source["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
    assert source["podSelector"] == pods
    assert helm({"operator": {"metrics": {"networkPolicy": {"namespaces": ["x"]}}}}).returncode != 0


@pytest.mark.parametrize("metrics", [{"enabled": False}, {"networkPolicy": {"enabled": False}}])
def test_metrics_can_be_switched_off_and_opened(metrics: Manifest) -> None:
    found = render({"operator": {"metrics": metrics}})
    assert ("NetworkPolicy", "webjobs-operator-metrics") not in found
    template = found["Deployment", "webjobs-operator"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    on = metrics.get("enabled", True)
    assert ("--metrics-port=0" in container["command"]) == (not on)
    assert bool(container.get("ports")) == on == ("prometheus.io/scrape" in template["metadata"]["annotations"])


@pytest.mark.parametrize("kind", ["NodePort", "LoadBalancer"])
@pytest.mark.parametrize("policy", ["", "Local", "Cluster"])
def test_the_addresses_of_clients_can_be_kept(kind: str, policy: str) -> None:
    found = render({"apiserver": {"service": {"type": kind, "externalTrafficPolicy": policy}}})
    assert found["Service", "webjobs-apiserver"]["spec"].get("externalTrafficPolicy", "") == policy


@pytest.mark.parametrize(
    "service", [{"type": "NodePort", "externalTrafficPolicy": "local"}, {"externalTrafficPolicy": "Local"}]
)
def test_a_traffic_policy_that_a_service_can_not_have(service: Manifest) -> None:
    done = helm({"apiserver": {"service": service}})
    assert done.returncode != 0
    assert "externalTrafficPolicy" in done.stderr


@pytest.mark.parametrize(
    ("credentials", "why"),
    [
        ({"readonlyPassword": "x"}, "readonlyPassword without readonlyUsername"),
        ({"readonlyUsername": "webjobs"}, "username and readonlyUsername are the same"),
        ({"deployPassword": "x"}, "deployPassword without deploy"),
        ({"deploy": True, "deployPassword": "x", "password": "x"}, "password and deployPassword are the same"),
    ],
)
def test_accounts_that_nobody_could_use(credentials: dict[str, Any], why: str) -> None:
    done = helm({"credentials": credentials})
    assert done.returncode != 0
    assert why in done.stderr


def test_the_operator_can_be_kept_to_some_namespaces() -> None:
    found = render({"namespaces": ["a", "b"]})
    assert ("ClusterRoleBinding", "system-webjobs-operator") not in found
    bound = helm({"namespaces": ["a", "b"]}).stdout
    assert bound.count("kind: RoleBinding") == 3


def test_crds_can_be_left_out_and_are_kept_otherwise() -> None:
    crd = DEFAULT["CustomResourceDefinition", "webjobs.webjobs.dev"]
    assert crd["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert not [kind for kind, _ in render({"crds": {"enabled": False}}) if kind == "CustomResourceDefinition"]


def test_a_bucket_needs_no_volume() -> None:
    found = render({"store": {"url": "s3://bucket/jobs", "envFrom": [{"secretRef": {"name": "s3"}}]}})
    assert ("PersistentVolumeClaim", "webjobs-store") not in found
    for name in ("webjobs-operator", "webjobs-apiserver"):
        pod = found["Deployment", name]["spec"]["template"]["spec"]
        assert "affinity" not in pod
        assert pod["containers"][0]["envFrom"] == [{"secretRef": {"name": "s3"}}]


def test_workload_identity_reaches_both_processes() -> None:
    annotations, labels = {"azure.workload.identity/client-id": "1-2"}, {"azure.workload.identity/use": "true"}
    found = render({"store": {"serviceAccountAnnotations": annotations, "podLabels": labels}})
    for name in ("webjobs-operator", "webjobs-apiserver"):
        assert found["ServiceAccount", name]["metadata"]["annotations"] == annotations
        assert "annotations" not in DEFAULT["ServiceAccount", name]["metadata"]
        deployment = found["Deployment", name]["spec"]
        before = DEFAULT["Deployment", name]["spec"]
        pods = deployment["template"]["metadata"]["labels"]
        assert pods == before["template"]["metadata"]["labels"] | labels
        assert deployment["selector"] == before["selector"]


def test_garbage_collection() -> None:
    def settings(values: dict[str, Any]) -> OperatorConfig:
        written = render({"store": {"garbageCollection": values}})["ConfigMap", "webjobs-operator"]
        return OperatorConfig.model_validate(yaml.safe_load(written["data"]["config.yaml"]))

    assert settings({}).package_grace == timedelta(days=1)
    assert settings({"graceHours": 1.5, "periodMinutes": 5}).package_grace == timedelta(minutes=90)
    assert settings({"graceHours": 1.5, "periodMinutes": 5}).collection_period_minutes == 5
    assert settings({"enabled": False}).package_grace is None


@pytest.mark.parametrize(
    "values",
    [
        {"operators": {}},
        {"store": {"garbageCollection": {"graceHours": 0.5}}},
        {"store": {"url": "/var/lib/webjobs"}},
        {"site": {"namespace": "Not Legal"}},
        {"limits": {"podTemplate": "privileged"}},
        {"limits": {"image": ["a/*"]}},
        {"site": {"name": "not/legal"}},
        {"runtimes": {"rb": {"image": "ruby"}}},
        {"apiserver": {"replicas": "two"}},
        {"kragle": {"httpStatus": "200"}},
        {"credentials": {"username": "with:colon"}},
        {"credentials": {"readonlyUsername": "with:colon"}},
        {"credentials": {"deploy": "yes"}},
    ],
)
def test_wrong_values_are_refused(values: dict[str, Any]) -> None:
    done = helm(values)
    assert done.returncode != 0
    assert "values don't meet the specifications of the schema" in done.stderr


def _operator_config(values: dict[str, Any]) -> OperatorConfig:
    return OperatorConfig.model_validate(
        yaml.safe_load(render(values)["ConfigMap", "webjobs-operator"]["data"]["config.yaml"])
    )


def test_runtimes_are_forbidden_pinned_and_of_this_release() -> None:
    found = _operator_config({"image": {"repository": "registry.example.com/wj", "tag": "2"}}).runtimes
    assert (found["mono"].image, found["wine"].image) == (
        "registry.example.com/wj-mono:2",
        "registry.example.com/wj-wine:2",
    )
    assert found["dotnet"].versions["9.0"] == "mcr.microsoft.com/dotnet/runtime:9.0"
    values = {
        "runtimes": {"mono": None, "dotnet": {"image": "own:1", "versions": None}, "js": {"versions": {"10": None}}}
    }
    changed = _operator_config(values)
    assert "mono" not in changed.runtimes
    assert (changed.runtimes["dotnet"].image, changed.runtimes["dotnet"].versions) == ("own:1", {})
    assert "10" not in changed.runtimes["js"].versions
    assert changed.limits.own_images == sorted(changed.limits.own_images), "one order, whenever it is rendered"

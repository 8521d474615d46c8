"""Typical kubeconfigs with the expected API server and identity, or an error.

tests/component/auth tests our client with this table, test_kubeconfigs_cluster.py the kubectl of the control plane.
Placeholders: @TLS@, @OTHER@ and @PLAIN@ for the URLs of three servers, @TLS.ADDRESS@ etc. for their host and port,
@CA@, @CERT@ and @KEY@ for PEMs in base64, @FOLDER@ for the folder with their files.
"""

import base64
import json

TLS, OTHER, PLAIN = "TLS", "OTHER", "PLAIN"
JANE = "certificate jane"
TOKEN = "Bearer secret-token"
ANONYMOUS = None
CA = "certificate-authority-data: @CA@"
V1 = "client.authentication.k8s.io/v1"
V1BETA1 = "client.authentication.k8s.io/v1beta1"


class Shape:
    """server: which is reached, None: none; user: its Authorization header or client certificate; path: before the API's."""

    def __init__(self, name, text, server=TLS, user=TOKEN, path=""):
        self.name, self.text, self.server, self.user, self.path = name, text, server, user, path

    def write(self, folder, servers, certificates):
        """Write the kubeconfig and the files that it refers to; returns its path."""
        for name in ("ca.crt", "jane.crt", "jane.key"):
            (folder / name).write_text(certificates.text(name))
        (folder / "token").write_text("secret-token\n")
        (folder / "empty").write_text("")
        for version, name in ((V1, "plugin-v1"), (V1BETA1, "plugin-v1beta1")):
            answer = {"apiVersion": version, "kind": "ExecCredential", "status": {"token": "secret-token"}}
            (folder / name).write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
            (folder / name).chmod(0o700)
        text = self.text if isinstance(self.text, bytes) else self.text.encode()
        values = {"CA": certificates.data("ca.crt"), "CERT": certificates.data("jane.crt"),
                  "KEY": certificates.data("jane.key"), "FOLDER": str(folder)}
        for name, server in servers.items():
            values |= {name: server.url, f"{name}.ADDRESS": server.url.split("://")[1]}
        for name, value in values.items():
            text = text.replace(f"@{name}@".encode(), value.encode())
        path = folder / "config"
        path.write_bytes(text.decode().encode("utf-16") if "UTF-16" in self.name else text)
        return path


def flow(cluster=f"server: '@TLS@', {CA}", user="token: secret-token", context="cluster: c, user: u", head="", tail=""):
    """A short kubeconfig with one context."""
    users = f"users: [{{name: u, user: {{{user}}}}}]\n" if user is not None else ""
    return (f"{head}current-context: x\ncontexts: [{{name: x, context: {{{context}}}}}]\n"
            f"clusters: [{{name: c, cluster: {{{cluster}}}}}]\n{users}{tail}")


def plain(**more):
    return flow(cluster="server: '@PLAIN@'" + more.pop("cluster", ""), **more)


def block(cluster, user, name="kubernetes-admin@kubernetes", cluster_name="kubernetes", user_name="kubernetes-admin",
          context="", head="apiVersion: v1\nkind: Config\npreferences: {}\n"):
    """A kubeconfig in the form written by tools; cluster, user and context are lines."""
    def lines(text, depth):
        return "".join(" " * depth + line + "\n" for line in text.strip().splitlines())
    return (f"{head}clusters:\n- cluster:\n{lines(cluster, 4)}  name: {cluster_name}\n"
            f"contexts:\n- context:\n    cluster: {cluster_name}\n{lines(context, 4)}    user: {user_name}\n  name: {name}\n"
            f"current-context: {name}\nusers:\n- name: {user_name}\n  user:\n{lines(user, 4)}")


BLOCK_CLUSTER = "certificate-authority-data: @CA@\nserver: @TLS@"
CERTIFICATE = "client-certificate-data: @CERT@\nclient-key-data: @KEY@"
AS_JSON = json.dumps({
    "kind": "Config", "apiVersion": "v1", "current-context": "x",
    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": "@TLS@", "certificate-authority-data": "@CA@"}}],
    "users": [{"name": "u", "user": {"token": "secret-token"}}]}, indent=2)
EKS = f"""
exec:
  apiVersion: {V1BETA1}
  args:
  - --region
  - eu-central-1
  - eks
  - get-token
  - --cluster-name
  - shop
  - --output
  - json
  command: ./plugin-v1beta1
  env:
  - name: AWS_PROFILE
    value: shop
"""
GKE = f"""
exec:
  apiVersion: {V1BETA1}
  command: ./plugin-v1beta1
  installHint: Install gke-gcloud-auth-plugin for use with kubectl by following
    https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl#install_plugin
  provideClusterInfo: true
"""
AKS = f"""
exec:
  apiVersion: {V1BETA1}
  args:
  - get-token
  - --login
  - azurecli
  - --server-id
  - 6dae42f8-4368-4678-94ff-3960e28e3630
  command: {"./plugin-v1beta1"}
  env: null
  installHint: |2

    kubelogin is not installed which is required to connect to AAD enabled cluster.
  provideClusterInfo: false
"""
MINIKUBE = """
certificate-authority: @FOLDER@/ca.crt
extensions:
- extension:
    last-update: Tue, 05 Mar 2026 10:11:12 UTC
    provider: minikube.sigs.k8s.io
    version: v1.35.0
  name: cluster_info
server: @TLS@
"""
MINIKUBE_CONTEXT = """
extensions:
- extension:
    last-update: Tue, 05 Mar 2026 10:11:12 UTC
    provider: minikube.sigs.k8s.io
    version: v1.35.0
  name: context_info
namespace: default
"""
TWO_CONTEXTS = """
apiVersion: v1
kind: Config
clusters:
- {name: one, cluster: {server: '@TLS@', insecure-skip-tls-verify: true}}
- {name: two, cluster: {server: '@OTHER@', insecure-skip-tls-verify: true}}
contexts:
- {name: first, context: {cluster: one, user: a}}
- {name: second, context: {cluster: two, user: b, namespace: shop}}
current-context: second
users:
- {name: a, user: {token: other}}
- {name: b, user: {token: secret-token}}
"""
MERGED = """
defaults: &defaults
  certificate-authority-data: @CA@
  server: @OTHER@
current-context: x
clusters:
- name: c
  cluster:
    <<: *defaults
    server: @TLS@
contexts: [{name: x, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: secret-token}}]
"""
ALIASED = """
current-context: &name shop
contexts: [{name: *name, context: &both {cluster: *name, user: *name}}]
clusters: [{name: *name, cluster: {server: '@TLS@', certificate-authority-data: @CA@}}]
users: [{name: *name, user: {token: secret-token}}]
"""

SHAPES = [
    # what tools write
    Shape("kubeadm", block(BLOCK_CLUSTER, CERTIFICATE), user=JANE),
    Shape("kind", block(BLOCK_CLUSTER, CERTIFICATE, "kind-kind", "kind-kind", "kind-kind"), user=JANE),
    Shape("k3s", block(BLOCK_CLUSTER, CERTIFICATE, "default", "default", "default"), user=JANE),
    Shape("k3d", block(BLOCK_CLUSTER, CERTIFICATE, "k3d-a", "k3d-a", "admin@k3d-a"), user=JANE),
    Shape("minikube", block(MINIKUBE, "client-certificate: @FOLDER@/jane.crt\nclient-key: @FOLDER@/jane.key", "minikube",
                            "minikube", "minikube", MINIKUBE_CONTEXT), user=JANE),
    Shape("EKS", block(BLOCK_CLUSTER, EKS, *["arn:aws:eks:eu-central-1:123456789012:cluster/shop"] * 3)),
    Shape("GKE", block(BLOCK_CLUSTER, GKE, *["gke_project_europe-west3_shop"] * 3)),
    Shape("AKS with kubelogin", block(BLOCK_CLUSTER, AKS, "shop", "shop", "clusterUser_group_shop")),
    Shape("AKS admin", block(BLOCK_CLUSTER, CERTIFICATE + "\ntoken: secret-token", "shop-admin", "shop",
                             "clusterAdmin_group_shop"), user=TOKEN),
    Shape("OpenShift", block(BLOCK_CLUSTER, "token: secret-token", "default/api-shop-example:6443/kube:admin",
                             "api-shop-example:6443", "kube:admin/api-shop-example:6443", "namespace: default")),
    Shape("Rancher", block("server: \"@TLS@/k8s/clusters/c-m-abc\"\ncertificate-authority-data: \"@CA@\"",
                           "token: \"secret-token\"", '"shop"', '"shop"', '"shop"'), path="/k8s/clusters/c-m-abc"),
    Shape("Docker Desktop", block("insecure-skip-tls-verify: true\nserver: @TLS@", CERTIFICATE, *["docker-desktop"] * 3),
          user=JANE),
    Shape("microk8s", block(BLOCK_CLUSTER, "token: secret-token", "microk8s", "microk8s-cluster", "admin")),
    Shape("a service account's", block(BLOCK_CLUSTER, "tokenFile: @FOLDER@/token", "x", "c", "u")),
    Shape("kubectl config view, redacted", block("certificate-authority-data: DATA+OMITTED\nserver: @TLS@",
                                                 "token: REDACTED"), server=None),
    # forms of the text
    Shape("JSON", AS_JSON),
    Shape("JSON with tabs", json.dumps(json.loads(AS_JSON), indent="\t")),
    Shape("JSON on one line", json.dumps(json.loads(AS_JSON))),
    Shape("JSON with a trailing comma", AS_JSON.rstrip("}\n") + "},\n}"),
    Shape("CRLF", block(BLOCK_CLUSTER, "token: secret-token").replace("\n", "\r\n")),
    Shape("a byte order mark", "\ufeff" + flow()),
    Shape("UTF-16", flow()),
    Shape("comments", "# mine\n" + flow(tail="# end\n")),
    Shape("a document marker and an end marker", "---\n" + flow() + "...\n"),
    Shape("several documents", flow(tail="---\nkind: Config\ncurrent-context: other\n")),
    Shape("a malformed second document", flow(tail="---\n[[[ }\n")),
    Shape("an empty first document", "---\n---\n" + flow(), server=None),
    Shape("an anchor and aliases", ALIASED),
    Shape("a merge key", MERGED),
    Shape("yes", flow(cluster="server: '@TLS@', insecure-skip-tls-verify: yes")),
    Shape("ON", flow(cluster="server: '@TLS@', insecure-skip-tls-verify: ON")),
    Shape("y", flow(cluster="server: '@TLS@', insecure-skip-tls-verify: y")),
    Shape("no", flow(cluster=f"server: '@TLS@', insecure-skip-tls-verify: no, {CA}")),
    Shape("no, and no authority", flow(cluster="server: '@TLS@', insecure-skip-tls-verify: off"), server=None),
    Shape("true in quotes", flow(cluster="server: '@TLS@', insecure-skip-tls-verify: 'true'"), server=None),
    Shape("a number for a flag", flow(cluster="server: '@TLS@', insecure-skip-tls-verify: 1"), server=None),
    Shape("block scalars", flow(user="token: x").replace("{token: x}", "{token: 'secret-token'}").replace(
        "current-context: x", "current-context: >-\n  x")),
    Shape("base64 on several lines", block("certificate-authority-data: |\n  " + "@CA@" + "\n\nserver: @TLS@",
                                           "token: secret-token")),
    Shape("an unknown tag", flow(user="token: !secret secret-token")),
    Shape("!!str", flow(user="token: !!str secret-token")),
    Shape("a duplicate key", flow(user="token: x, token: secret-token")),
    Shape("a duplicate current-context", flow(tail="current-context: x\n", head="current-context: y\n")),
    Shape("unknown members", flow(cluster=f"server: '@TLS@', {CA}, color: blue", head="owner: [me]\n")),
    Shape("members in another case", flow(cluster=f"Server: '@TLS@', {CA}"), server=None),
    Shape("a list", "[]", server=None),
    Shape("an open bracket", flow(tail="users: ["), server=None),
    Shape("a tab as indentation", flow().replace("current-context", "\tcurrent-context"), server=None),
    Shape("not UTF-8", flow().encode() + b"# \xff\n", server=None),
    Shape("an empty file", "", server=None),
    # head
    Shape("kind and apiVersion empty", flow(head="kind: ''\napiVersion: ''\n")),
    Shape("kind and apiVersion null", flow(head="kind: null\napiVersion:\n")),
    Shape("another kind", flow(head="kind: config\n"), server=None),
    Shape("another version", flow(head="apiVersion: v2\n"), server=None),
    # contexts
    Shape("two contexts", TWO_CONTEXTS, server=OTHER),
    Shape("no current-context", flow().replace("current-context: x\n", ""), server=None),
    Shape("a missing context", flow().replace("current-context: x", "current-context: y"), server=None),
    Shape("a current-context that is a number", flow().replace("current-context: x", "current-context: 7"), server=None),
    Shape("a missing cluster", flow(context="cluster: d, user: u"), server=None),
    Shape("no cluster", flow(context="user: u"), server=None),
    Shape("no user", flow(context="cluster: c"), user=ANONYMOUS),
    Shape("an empty user", flow(context="cluster: c, user: ''"), user=ANONYMOUS),
    Shape("a null user", flow(context="cluster: c, user: null"), user=ANONYMOUS),
    Shape("a missing user", flow(context="cluster: c, user: v"), user=ANONYMOUS),
    Shape("a user that is a number", flow(context="cluster: c, user: 7"), server=None),
    Shape("no users at all", flow(user=None), user=ANONYMOUS),
    Shape("users: null", flow(user=None, tail="users: null\n"), user=ANONYMOUS),
    Shape("a user without members", flow(user=None, tail="users: [{name: u}]\n"), user=ANONYMOUS),
    Shape("a user that is a string", flow(user=None, tail="users: [{name: u, user: me}]\n"), server=None),
    Shape("a duplicate name", flow(tail="users: [{name: u}, {name: u}]\n"), server=None),
    Shape("an item without a name", flow(user=None, tail="users: [{name: u, user: {token: secret-token}}, {}]\n")),
    Shape("two items without a name", flow(user=None, tail="users: [{name: u}, {}, null]\n"), server=None),
    Shape("names that are numbers", flow(user=None, tail="users: [{name: 7}]\n"), server=None),
    # servers
    Shape("without TLS", plain(), server=PLAIN, user=ANONYMOUS),
    Shape("HTTPS://", flow(cluster=f"server: 'HTTPS://@TLS.ADDRESS@', {CA}")),
    Shape("HTTP://", plain().replace("@PLAIN@", "HTTP://@PLAIN.ADDRESS@"), server=PLAIN, user=ANONYMOUS),
    Shape("no scheme", flow(cluster="server: '@PLAIN.ADDRESS@'", user="username: u, password: p"), server=PLAIN,
          user=ANONYMOUS),
    Shape("no scheme, an authority", flow(cluster=f"server: '@PLAIN.ADDRESS@/', {CA}"), server=PLAIN, user=ANONYMOUS),
    Shape("no scheme, insecure", flow(cluster="server: '@PLAIN.ADDRESS@', insecure-skip-tls-verify: true"), server=PLAIN,
          user=ANONYMOUS),
    Shape("no scheme, a client certificate", flow(cluster="server: '@PLAIN.ADDRESS@'",
                                                  user="client-certificate-data: @CERT@, client-key-data: @KEY@"),
          server=PLAIN, user=ANONYMOUS),
    Shape("no scheme, a TLS server", flow(cluster=f"server: '@TLS.ADDRESS@', {CA}"), server=None),
    Shape("a plugin without TLS", flow(cluster="server: '@PLAIN@'",
                                       user=f"exec: {{apiVersion: {V1}, command: ./gone, interactiveMode: Never}}"),
          server=PLAIN, user=ANONYMOUS),
    Shape("no scheme, a path", flow(cluster=f"server: '@TLS.ADDRESS@/k8s', {CA}"), server=None),
    Shape("trailing slashes", flow(cluster=f"server: '@TLS@/', {CA}")),
    Shape("a query and a fragment", flow(cluster=f"server: '@TLS@?a=b#c', {CA}")),
    Shape("ftp://", flow(cluster=f"server: 'ftp://@TLS.ADDRESS@', {CA}"), server=None),
    Shape("a leading space", flow(cluster=f"server: ' @TLS@', {CA}"), server=None),
    Shape("a trailing space", flow(cluster=f"server: '@TLS@ ', {CA}"), server=None),
    Shape("an empty server", flow(cluster=f"server: '', {CA}"), server=None),
    Shape("a server that is a number", flow(cluster=f"server: 6443, {CA}"), server=None),
    Shape("tls-server-name", flow(cluster=f"server: '@TLS@', tls-server-name: kubernetes.default, {CA}")),
    Shape("another tls-server-name", flow(cluster=f"server: '@TLS@', tls-server-name: other.default, {CA}"), server=None),
    Shape("another authority", flow(cluster="server: '@TLS@', certificate-authority-data: @CERT@"), server=None),
    Shape("an authority in a relative file", flow(cluster="server: '@TLS@', certificate-authority: ca.crt")),
    Shape("a missing authority file", flow(cluster="server: '@TLS@', certificate-authority: gone.crt"), server=None),
    Shape("insecure, and an authority", flow(cluster=f"server: '@TLS@', insecure-skip-tls-verify: true, {CA}"),
          server=None),
    Shape("proxy-url without a scheme", flow(cluster=f"server: '@TLS@', proxy-url: 'proxy:3128', {CA}"), server=None),
    Shape("proxy-url of another scheme", flow(cluster=f"server: '@TLS@', proxy-url: 'ftp://proxy', {CA}"), server=None),
    Shape("an empty proxy-url", flow(cluster=f"server: '@TLS@', proxy-url: '', {CA}")),
    # users
    Shape("name and password", flow(user="username: u, password: p"),
          user="Basic " + base64.b64encode(b"u:p").decode()),
    Shape("a name with a colon", flow(user="username: 'u:v', password: p"),
          user="Basic " + base64.b64encode(b"u:v:p").decode()),
    Shape("token, name and password", flow(user="token: x, username: u, password: p"), server=None),
    Shape("a token that is a number", flow(user="token: 7"), server=None),
    Shape("a token that is a binary number", flow(user="token: 0b11"), server=None),
    Shape("a token that is a number with _", flow(user="token: 1_000"), server=None),
    Shape("a token that is yes", flow(user="token: yes"), server=None),
    Shape("a token that looks like a date", flow(user="token: 2001-01-01"), user="Bearer 2001-01-01"),
    Shape("a token that looks like a version", flow(user="token: 1.2.3"), user="Bearer 1.2.3"),
    Shape("a null token", flow(user="token: ~"), user=ANONYMOUS),
    Shape("tokenFile takes precedence over token", flow(user="token: x, tokenFile: token")),
    Shape("certificate and key in relative files", flow(user="client-certificate: jane.crt, client-key: ./jane.key"),
          user=JANE),
    Shape("a certificate without a key", flow(user="client-certificate-data: @CERT@"), server=None),
    Shape("a key without a certificate", flow(user="token: secret-token, client-key-data: @KEY@")),
    Shape("groups without a name", flow(user="token: x, as-groups: [a]"), server=None),
    Shape("a plugin of v1", flow(user=f"exec: {{apiVersion: {V1}, command: ./plugin-v1, interactiveMode: Never}}")),
    Shape("a plugin of v1beta1 without interactiveMode",
          flow(user=f"exec: {{apiVersion: {V1BETA1}, command: ./plugin-v1beta1}}")),
    Shape("a plugin that responds in another version",
          flow(user=f"exec: {{apiVersion: {V1}, command: ./plugin-v1beta1, interactiveMode: Never}}"), server=None),
    Shape("a missing plugin",
          flow(user=f"exec: {{apiVersion: {V1}, command: ./gone, interactiveMode: Never}}"), server=None),
    Shape("a plugin without a version", flow(user="exec: {command: ./plugin-v1, interactiveMode: Never}"), server=None),
    Shape("a plugin's variable without a name",
          flow(user=f"exec: {{apiVersion: {V1}, command: ./plugin-v1, interactiveMode: Never, env: [{{value: x}}]}}"),
          server=None),
    Shape("exec: null", flow(user="token: secret-token, exec: null")),
]


def seen(servers):
    """The last server that got a request for /version, its user, and the path; (None, None, "") if none."""
    for name, server in servers.items():
        for request in reversed(server.seen):
            path, found, _ = request["path"].partition("/version")
            if found:
                headers = [value for key, value in request["headers"] if key == "Authorization"]
                return name, (headers or [request["client"] and f"certificate {request['client']}"])[0], path
    return None, None, ""


def expected(shape):
    return (shape.server, shape.user, shape.path) if shape.server else (None, None, "")

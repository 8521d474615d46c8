"""
The corpus: requests with the same response from a Kubernetes API server and kubesim. The responses of the real one are
recorded in kube_cases.json by kube_corpus.py.

Placeholders in bodies and queries: NAME is the name of the object of the case, UID and VERSION those of the first object
in `given` when created, NOW its version when the request is sent, CONTINUE the page token of the last list.
"""

from dataclasses import dataclass, field

GONE = object()  # a member that is left out

JSON = "application/json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"

REFUSED = 501  # not supported by kubesim, regardless of the real response


@dataclass
class Case:
    """One request. The answer's members `look`, and those of the object `stored`, are compared too (JSON pointers)."""
    method: str
    kind: str
    body: object = None
    tail: str = ""  # after the collection's path
    query: str = ""
    content_type: str = JSON
    given: list = field(default_factory=list)  # sent before, and must succeed
    look: tuple = ()
    stored: tuple = ()
    after: tuple = ()  # (kind, pointers): members in a list of the objects once the controllers are done
    kubesim: int = 0   # the status of kubesim instead; 0: the same


def changed(body, changes):
    """A copy of the object with members set or removed, by JSON pointers."""
    body = copy_of(body)
    for pointer, value in changes.items():
        *parents, last = [part.replace("~1", "/") for part in pointer.split("/")[1:]]
        at = body
        for part in parents:
            at = at[int(part)] if isinstance(at, list) else at.setdefault(part, {})
        if isinstance(at, list):
            last = int(last)
        if value is GONE:
            del at[last]
        elif isinstance(at, list) and last == len(at):
            at.append(value)
        else:
            at[last] = value
    return body


def copy_of(value):
    """Like copy.deepcopy, but GONE is not copied."""
    if isinstance(value, dict):
        return {key: copy_of(member) for key, member in value.items()}
    return [copy_of(element) for element in value] if isinstance(value, list) else value


# ---- what our programs send (common/container/container_write.c), without Pods ------------------------------------

OURS = {"dcm.project/managed-by": "dcm", "dcm.project/dcm-instance-id": "NAME",
        "dcm.project/dcm-service-type": "container"}

CONTAINER = {
    "name": "web", "image": "registry.example.com/shop/web:1", "command": ["/bin/web"], "args": ["--port", "8080"],
    "env": [{"name": "MODE", "value": "fast"}, {"name": "EMPTY", "value": ""}],
    "ports": [{"containerPort": 8080, "protocol": "TCP"}, {"containerPort": 9090, "protocol": "TCP"}],
    "resources": {"requests": {"cpu": "500m", "memory": "256Mi"}, "limits": {"cpu": "1000m", "memory": "1024Mi"}},
}

DEPLOYMENT = {
    "apiVersion": "apps/v1", "kind": "Deployment",
    "metadata": {"name": "NAME", "labels": {"team": "shop", **OURS},
                 "annotations": {"dcm.project/spec": "{}", "dcm.project/creation-token": "token"}},
    "spec": {
        "replicas": 0,
        "selector": {"matchLabels": OURS},
        "template": {"metadata": {"labels": {"team": "shop", **OURS}}, "spec": {"containers": [CONTAINER]}},
    },
}

SERVICE = {
    "apiVersion": "v1", "kind": "Service",
    "metadata": {"name": "NAME", "labels": {"team": "shop", **OURS},
                 "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "NAME", "uid": "UID"}]},
    "spec": {
        "type": "ClusterIP", "selector": OURS,
        "ports": [{"name": "port-8080", "protocol": "TCP", "port": 8080, "targetPort": 8080},
                  {"name": "port-9090", "protocol": "TCP", "port": 9090, "targetPort": 9090}],
    },
}

def utilization(resource):
    return {"type": "Resource", "resource": {"name": resource, "target": {"type": "Utilization", "averageUtilization": 70}}}


AUTOSCALER = {
    "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "NAME", "labels": {"team": "shop", **OURS}},
    "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "NAME"},
             "minReplicas": 2, "maxReplicas": 5, "metrics": [utilization("cpu")]},
}

# Without an owner: the garbage collector removes what names an owner that is not there.
ALONE = changed(SERVICE, {"/metadata/ownerReferences": GONE})

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "NAME", "labels": OURS},
       "spec": {"containers": [CONTAINER], "automountServiceAccountToken": False}}

REPLICASET = changed(DEPLOYMENT, {"/kind": "ReplicaSet"})

STATEFULSET = changed(DEPLOYMENT, {"/kind": "StatefulSet", "/spec/serviceName": "s-1", "/spec/podManagementPolicy": "Parallel"})

HEADLESS = changed(SERVICE, {"/metadata/ownerReferences": GONE, "/spec/ports": GONE, "/spec/clusterIP": "None",
                             "/spec/publishNotReadyAddresses": True})

SCALE = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "NAME"}, "spec": {"replicas": 3}}

C = "/spec/template/spec/containers/0"  # of a Deployment

# ---- compared members of stored objects -----------------------------------------------------------------------------

METADATA = ("/metadata/name", "/metadata/generation", "/metadata/labels", "/metadata/annotations/dcm.project~1spec",
            "/metadata/ownerReferences", "/metadata/finalizers")
POD_SPEC = ("/containers", "/initContainers", "/restartPolicy", "/terminationGracePeriodSeconds", "/dnsPolicy",
            "/schedulerName", "/securityContext")
DEPLOYED = METADATA + ("/apiVersion", "/kind", "/spec/replicas", "/spec/selector", "/spec/strategy",
                       "/spec/revisionHistoryLimit", "/spec/progressDeadlineSeconds", "/spec/template/metadata/labels",
                       ) + tuple("/spec/template/spec" + member for member in POD_SPEC)
SERVED = METADATA + ("/apiVersion", "/kind", "/spec/type", "/spec/selector", "/spec/ports", "/spec/clusterIP",
                     "/spec/clusterIPs", "/spec/sessionAffinity", "/status")
MANAGERS = "/metadata/managedFields"  # shown as [manager, operation, subresource]; kubesim keeps none

# ---- POST: our objects with one change each -------------------------------------------------------------------------

LONG = "x" * 63

# Changes of DEPLOYMENT. Every member that we send is left out, empty, of another type, and invalid in other ways.
DEPLOYMENTS = {
    "deployment as we send it": {},
    "deployment with one replica by default": {"/spec/replicas": GONE, "/spec/paused": True},
    "deployment without apiVersion": {"/apiVersion": GONE},
    "deployment without kind": {"/kind": GONE},
    "deployment of another apiVersion": {"/apiVersion": "apps/v1beta1"},
    "deployment of another kind": {"/kind": "Service"},
    "deployment whose kind is a number": {"/kind": 1},
    "deployment whose apiVersion is empty": {"/apiVersion": ""},
    # metadata
    "deployment without metadata": {"/metadata": GONE},
    "deployment whose metadata is a text": {"/metadata": "x"},
    "deployment without name": {"/metadata/name": GONE},
    "deployment with an empty name": {"/metadata/name": ""},
    "deployment with a name in upper case": {"/metadata/name": "Web"},
    "deployment with a name of 254 characters": {"/metadata/name": "a" * 254},
    "deployment with a name that ends in a dash": {"/metadata/name": "web-"},
    "deployment with an underscore in its name": {"/metadata/name": "a_b"},
    "deployment with a slash in its name": {"/metadata/name": "a/b"},
    "deployment with dots in its name": {"/metadata/name": "NAME.a.b"},
    "deployment with two dots in its name": {"/metadata/name": "a..b"},
    "deployment whose name is a number": {"/metadata/name": 7},
    "deployment whose name is null": {"/metadata/name": None},
    "deployment for another namespace": {"/metadata/namespace": "elsewhere"},
    "deployment with a uid": {"/metadata/uid": "00000000-0000-0000-0000-000000000000"},
    "deployment with a resourceVersion": {"/metadata/resourceVersion": "1"},
    "deployment with a generation": {"/metadata/generation": 7},
    "deployment whose labels are a list": {"/metadata/labels": ["a"]},
    "deployment with a label that is a number": {"/metadata/labels/n": 5},
    "deployment with a label that is null": {"/metadata/labels/n": None},
    "deployment with an empty label": {"/metadata/labels/n": ""},
    "deployment with a space in a label": {"/metadata/labels/n": "a b"},
    "deployment with a label of 64 characters": {"/metadata/labels/n": "x" * 64},
    "deployment with a label of 63 characters": {"/metadata/labels/n": LONG},
    "deployment with a label that ends in a dash": {"/metadata/labels/n": "a-"},
    "deployment with umlauts in a label": {"/metadata/labels/n": "grün"},
    "deployment with a space in a label's key": {"/metadata/labels/a b": "v"},
    "deployment with an empty label key": {"/metadata/labels/": "v"},
    "deployment with an empty prefix of a label's key": {"/metadata/labels": {"/k": "v"}},
    "deployment with two slashes in a label's key": {"/metadata/labels": {"a/b/c": "v"}},
    "deployment with a label's prefix in upper case": {"/metadata/labels": {"Example.com/k": "v"}},
    "deployment with a label key of 64 characters": {"/metadata/labels/" + "k" * 64: "v"},
    "deployment with two wrong labels": {"/metadata/labels": {"a b": "c d"}},
    "deployment whose annotations are a text": {"/metadata/annotations": "x"},
    "deployment with an annotation that is an object": {"/metadata/annotations/n": {}},
    "deployment with any text in an annotation": {"/metadata/annotations/n": "ü\n \" {"},
    "deployment with a wrong annotation key": {"/metadata/annotations/a b": "v"},
    "deployment with an annotation key in upper case": {"/metadata/annotations": {"Example.com/k": "v"}},
    "deployment with 256 KiB of annotations": {"/metadata/annotations": {"k": "v" * 262143}},
    "deployment with more than 256 KiB of annotations": {"/metadata/annotations": {"k": "v" * 262144}},
    "deployment with a finalizer": {"/metadata/finalizers": ["example.com/hold"]},
    "deployment with no finalizers": {"/metadata/finalizers": []},
    "deployment with a finalizer without domain": {"/metadata/finalizers": ["hold"]},
    "deployment with a wrong finalizer": {"/metadata/finalizers": ["a b"]},
    "deployment whose finalizers are a text": {"/metadata/finalizers": "example.com/hold"},
    # spec
    "deployment without spec": {"/spec": GONE},
    "deployment whose spec is null": {"/spec": None},
    "deployment whose spec is a list": {"/spec": []},
    "deployment whose status is a text": {"/status": "x"},
    "deployment with negative replicas": {"/spec/replicas": -1},
    "deployment whose replicas are a text": {"/spec/replicas": "1"},
    "deployment with half a replica": {"/spec/replicas": 0.5},
    "deployment with more replicas than an int32": {"/spec/replicas": 2147483648},
    "deployment whose replicas are null": {"/spec/replicas": None, "/spec/paused": True},
    "deployment whose replicas are true": {"/spec/replicas": True},
    "deployment without selector": {"/spec/selector": GONE},
    "deployment with an empty selector": {"/spec/selector": {}},
    "deployment with no labels in its selector": {"/spec/selector/matchLabels": {}},
    "deployment whose selector is a text": {"/spec/selector": "a=b"},
    "deployment whose selector selects others": {"/spec/selector/matchLabels": {"other": "one"}},
    "deployment with a wrong value in its selector": {"/spec/selector/matchLabels": {"team": "a b"}},
    "deployment with a wrong key in its selector": {"/spec/selector/matchLabels": {"a b": "shop"}},
    "deployment whose selector has a number": {"/spec/selector/matchLabels": {"team": 1}},
    "deployment with expressions in its selector":
        {"/spec/selector": {"matchExpressions": [{"key": "team", "operator": "Exists"}]}},
    "deployment without strategy's type": {"/spec/strategy": {}},
    "deployment with the strategy Recreate": {"/spec/strategy": {"type": "Recreate"}},
    "deployment with an unknown strategy": {"/spec/strategy": {"type": "BlueGreen"}},
    "deployment with Recreate and a rolling update":
        {"/spec/strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}},
    "deployment with a surge in percent":
        {"/spec/strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "30%", "maxUnavailable": 0}}},
    "deployment with neither surge nor unavailable":
        {"/spec/strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}},
    "deployment with no surge in percent and no unavailable":
        {"/spec/strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "0%", "maxUnavailable": "0%"}}},
    "deployment with a negative surge":
        {"/spec/strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": -1}}},
    "deployment whose surge is no percentage":
        {"/spec/strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "many"}}},
    "deployment with more than all unavailable":
        {"/spec/strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "101%"}}},
    "deployment whose surge is true":
        {"/spec/strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": True}}},
    "deployment with negative minReadySeconds": {"/spec/minReadySeconds": -1},
    "deployment with negative revisionHistoryLimit": {"/spec/revisionHistoryLimit": -1},
    "deployment with an early progressDeadlineSeconds":
        {"/spec/progressDeadlineSeconds": 5, "/spec/minReadySeconds": 5},
    "deployment with negative progressDeadlineSeconds": {"/spec/progressDeadlineSeconds": -1},
    "deployment whose paused is a text": {"/spec/paused": "true"},
    # template
    "deployment without template": {"/spec/template": GONE},
    "deployment whose template is empty": {"/spec/template": {}},
    "deployment whose template has no metadata": {"/spec/template/metadata": GONE},
    "deployment whose template has no labels": {"/spec/template/metadata/labels": {}},
    "deployment whose template has a wrong label": {"/spec/template/metadata/labels/n": "a b"},
    "deployment whose template has a wrong label key": {"/spec/template/metadata/labels/a b": "v"},
    "deployment whose template has a wrong annotation": {"/spec/template/metadata/annotations": {"a b": "v"}},
    "deployment whose template has a name": {"/spec/template/metadata/name": "Any Name"},
    "deployment whose template has a namespace": {"/spec/template/metadata/namespace": "elsewhere"},
    "deployment whose template has no spec": {"/spec/template/spec": GONE},
    "deployment whose Pods are not restarted": {"/spec/template/spec/restartPolicy": "Never"},
    "deployment whose Pods restart somehow": {"/spec/template/spec/restartPolicy": "Sometimes"},
    "deployment with a negative grace period": {"/spec/template/spec/terminationGracePeriodSeconds": -1},
    "deployment with a grace period": {"/spec/template/spec/terminationGracePeriodSeconds": 5},
    "deployment with an unknown DNS policy": {"/spec/template/spec/dnsPolicy": "Mine"},
    # container
    "deployment without containers": {"/spec/template/spec/containers": GONE},
    "deployment with no containers": {"/spec/template/spec/containers": []},
    "deployment whose containers are an object": {"/spec/template/spec/containers": {}},
    "deployment whose containers are null": {"/spec/template/spec/containers": None},
    "deployment with a container that is a text": {C: "web"},
    "deployment with a second container": {"/spec/template/spec/containers/1": {"name": "b", "image": "b"}},
    "deployment with two containers of one name": {"/spec/template/spec/containers/1": CONTAINER},
    "deployment with two faults in two containers":
        {C + "/image": "", "/spec/template/spec/containers/1": {"name": "B", "image": "b"}},
    "deployment with an init container": {"/spec/template/spec/initContainers": [{"name": "init", "image": "busybox"}]},
    "init container without image": {"/spec/template/spec/initContainers": [{"name": "init"}]},
    "init container with the container's name": {"/spec/template/spec/initContainers": [CONTAINER]},
    "container without name": {C + "/name": GONE},
    "container with an empty name": {C + "/name": ""},
    "container with a name in upper case": {C + "/name": "Web"},
    "container with a dot in its name": {C + "/name": "a.b"},
    "container with a name of 64 characters": {C + "/name": "a" * 64},
    "container whose name is a number": {C + "/name": 1},
    "container without image": {C + "/image": GONE},
    "container with an empty image": {C + "/image": ""},
    "container with a space before its image": {C + "/image": " web"},
    "container with a space after its image": {C + "/image": "web "},
    "container with a space in its image": {C + "/image": "a b"},
    "container with an image in upper case": {C + "/image": "Shop/Web:LATEST"},
    "container whose image is null": {C + "/image": None},
    "container whose image is an object": {C + "/image": {}},
    "container with the tag latest": {C + "/image": "web:latest"},
    "container without tag": {C + "/image": "registry.example.com:5000/web"},
    "container with a digest": {C + "/image": "web@sha256:" + "a" * 64},
    "container with a pull policy": {C + "/imagePullPolicy": "Never"},
    "container with an unknown pull policy": {C + "/imagePullPolicy": "Sometimes"},
    "container with its last log lines as message": {C + "/terminationMessagePolicy": "FallbackToLogsOnError"},
    "container with an unknown policy of messages": {C + "/terminationMessagePolicy": "Sometimes"},
    "container without command": {C + "/command": GONE},
    "container with an empty command": {C + "/command": []},
    "container whose command is a text": {C + "/command": "/bin/web"},
    "container with a number in its command": {C + "/command": ["/bin/web", 1]},
    "container with an empty argument": {C + "/args": [""]},
    "container whose arguments are an object": {C + "/args": {}},
    "container with null among its arguments": {C + "/args": ["a", None]},
    "container without env": {C + "/env": GONE},
    "container with no env": {C + "/env": []},
    "container whose env is an object": {C + "/env": {"A": "B"}},
    "variable without name": {C + "/env/0/name": GONE},
    "variable with an empty name": {C + "/env/0/name": ""},
    "variable with a space in its name": {C + "/env/0/name": "A B"},
    "variable with = in its name": {C + "/env/0/name": "A=B"},
    "variable that begins with a digit": {C + "/env/0/name": "1A"},
    "variable with umlauts in its name": {C + "/env/0/name": "GRÜN"},
    "variable with a dot and a dash in its name": {C + "/env/0/name": "a.b-c"},
    "variable named dot": {C + "/env/0/name": "."},
    "variable without value": {C + "/env/0/value": GONE},
    "variable whose value is a number": {C + "/env/0/value": 1},
    "variable whose value is null": {C + "/env/0/value": None},
    "variable with any text": {C + "/env/0/value": "$(X) ü\n\t\"'\\"},
    "two variables of one name": {C + "/env/1/name": "MODE"},
    "variable from a secret": {C + "/env/0": {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}},
    "variable from a secret without key": {C + "/env/0": {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s"}}}},
    "variable with a value and from a secret":
        {C + "/env/0/valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}},
    "variable from a field": {C + "/env/0": {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}},
    "container without ports": {C + "/ports": GONE},
    "container with no ports": {C + "/ports": []},
    "container port without number": {C + "/ports/0/containerPort": GONE},
    "container port 0": {C + "/ports/0/containerPort": 0},
    "container port below 0": {C + "/ports/0/containerPort": -1},
    "container port 1": {C + "/ports/0/containerPort": 1},
    "container port 65535": {C + "/ports/0/containerPort": 65535},
    "container port 65536": {C + "/ports/0/containerPort": 65536},
    "container port that is a text": {C + "/ports/0/containerPort": "8080"},
    "container port with a fraction": {C + "/ports/0/containerPort": 80.5},
    "container port without protocol": {C + "/ports/0/protocol": GONE},
    "container port with an empty protocol": {C + "/ports/0/protocol": ""},
    "container port of UDP": {C + "/ports/0/protocol": "UDP"},
    "container port of SCTP": {C + "/ports/0/protocol": "SCTP"},
    "container port of an unknown protocol": {C + "/ports/0/protocol": "HTTP"},
    "container port of a protocol in lower case": {C + "/ports/0/protocol": "tcp"},
    "container port of a protocol that is a number": {C + "/ports/0/protocol": 6},
    "two container ports of one number": {C + "/ports/1/containerPort": 8080},
    "two container ports of one number and two protocols":
        {C + "/ports/1": {"containerPort": 8080, "protocol": "UDP"}},
    "container port with a name": {C + "/ports/0/name": "http"},
    "container port with a name in upper case": {C + "/ports/0/name": "HTTP"},
    "container port with a name of 16 characters": {C + "/ports/0/name": "a" * 16},
    "container port with a name of digits": {C + "/ports/0/name": "80"},
    "two container ports of one name": {C + "/ports/0/name": "http", C + "/ports/1/name": "http"},
    "container without resources": {C + "/resources": GONE},
    "container with no resources": {C + "/resources": {}},
    "container without requests": {C + "/resources/requests": GONE},
    "container without limits": {C + "/resources/limits": GONE},
    "container that requests more than its limit": {C + "/resources/requests/cpu": "2"},
    "container that requests more of both": {C + "/resources/requests": {"cpu": "2", "memory": "2Gi"}},
    "container that requests just its limit": {C + "/resources/requests": {"cpu": "1", "memory": "1Gi"}},
    "quantity that is a number": {C + "/resources/requests/cpu": 1},
    "quantity with a fraction": {C + "/resources/requests/cpu": "0.5"},
    "quantity that is a fraction": {C + "/resources/requests/cpu": 0.5},
    "quantity of 0": {C + "/resources/requests/cpu": "0"},
    "quantity below 0": {C + "/resources/requests/cpu": "-1"},
    "quantity that is empty": {C + "/resources/requests/cpu": ""},
    "quantity that is a word": {C + "/resources/requests/memory": "much"},
    "quantity with a space": {C + "/resources/requests/memory": "1 Gi"},
    "quantity in MB": {C + "/resources/requests/memory": "256MB"},
    "quantity with a lower-case suffix": {C + "/resources/requests/memory": "256mi"},
    "quantity with two suffixes": {C + "/resources/requests/memory": "256MiMi"},
    "quantity with a comma": {C + "/resources/requests/cpu": "0,5"},
    "quantity that is true": {C + "/resources/requests/cpu": True},
    "quantity that is null": {C + "/resources/requests/cpu": None},
    "quantity that is an object": {C + "/resources/requests/cpu": {}},
    "quantity of a thousand thousandths": {C + "/resources/requests/cpu": "1000m"},
    "quantity with an exponent": {C + "/resources/requests/memory": "1e6"},
    "quantity of half a Gi": {C + "/resources/requests/memory": "0.5Gi"},
    "quantity smaller than a thousandth": {C + "/resources/requests/cpu": "100u"},
    "quantity of an unknown resource": {C + "/resources/limits/power": "1"},
    "quantity of a resource with a domain": {C + "/resources/limits/example.com~1gpu": "1"},
    "quantity of half a resource with a domain": {C + "/resources/limits/example.com~1gpu": "0.5"},
    "request for a resource with a domain without limit": {C + "/resources/requests/example.com~1gpu": "1"},
    "resources that are a list": {C + "/resources": []},
    "limits that are a text": {C + "/resources/limits": "1"},
    # unknown members, and members that only the real one supports
    "unknown member of a deployment": {"/nonsense": 1},
    "unknown member of a deployment's spec": {"/spec/nonsense": 1},
    "unknown member of a container": {C + "/imagee": "x"},
    "member in another case": {C + "/Image": "x"},
    "container with a probe": {C + "/livenessProbe": {"tcpSocket": {"port": 8080}}},
    "deployment with a volume": {"/spec/template/spec/volumes": [{"name": "v", "emptyDir": {}}]},
    "deployment with a volume without name": {"/spec/template/spec/volumes": [{"emptyDir": {}}]},
    "deployment with a node selector": {"/spec/template/spec/nodeSelector": {"a": "b"}},
}

# Those that kubesim does not judge: it refuses them.
DEPLOYMENTS_REFUSED = {
    "deployment with expressions in its selector", "variable from a secret without key",
    "variable with a value and from a secret", "variable from a field", "init container with the container's name",
    "quantity of half a resource with a domain", "request for a resource with a domain without limit",
    "quantity of an unknown resource", "unknown member of a deployment",
    "unknown member of a deployment's spec", "unknown member of a container", "member in another case",
    "container with a probe", "deployment with a volume", "deployment with a volume without name",
    "deployment with a node selector", "deployment with a finalizer without domain",
    "deployment with a wrong finalizer",
    "deployment with an unknown DNS policy", "container with a space before its image",
    "container with a space after its image",
}

P = "/spec/ports/0"

# Changes of SERVICE without its owner. One without a name is not among them: Kubernetes 1.34 then tries one address after
# the other and does not answer for half a minute (1.36: 422, spec.clusterIPs).
SERVICES = {
    "service as we send it": {},
    "service of another kind": {"/kind": "Deployment"},
    "service without kind and apiVersion": {"/kind": GONE, "/apiVersion": GONE},
    "service of another apiVersion": {"/apiVersion": "apps/v1"},
    "service with a name in upper case": {"/metadata/name": "Web"},
    "service with a dot in its name": {"/metadata/name": "a.b"},
    "service with a name of 64 characters": {"/metadata/name": "a" * 64},
    "service with a name that begins with a digit": {"/metadata/name": "1-NAME"},
    "service for another namespace": {"/metadata/namespace": "elsewhere"},
    "service with a wrong label": {"/metadata/labels/n": "a b"},
    "service with a wrong annotation": {"/metadata/annotations": {"a b": "c"}},
    "service without spec": {"/spec": GONE},
    "service whose spec is a text": {"/spec": "x"},
    "service without ports": {"/spec/ports": GONE},
    "service with no ports": {"/spec/ports": []},
    "service whose ports are null": {"/spec/ports": None},
    "service whose ports are an object": {"/spec/ports": {}},
    "service of type NodePort without ports": {"/spec/type": "NodePort", "/spec/ports": []},
    "service of type LoadBalancer without ports": {"/spec/type": "LoadBalancer", "/spec/ports": []},
    "headless service": {"/spec/clusterIP": "None"},
    "headless service without ports": {"/spec/clusterIP": "None", "/spec/ports": GONE},
    "service with an address that is none": {"/spec/clusterIP": "somewhere"},
    "service with an empty address": {"/spec/clusterIP": ""},
    "headless service of type NodePort": {"/spec/clusterIP": "None", "/spec/type": "NodePort"},
    "service without type": {"/spec/type": GONE},
    "service with an empty type": {"/spec/type": ""},
    "service of type NodePort": {"/spec/type": "NodePort"},
    "service of type LoadBalancer": {"/spec/type": "LoadBalancer"},
    "service of an unknown type": {"/spec/type": "Ingress"},
    "service whose type is a number": {"/spec/type": 1},
    "service of type ExternalName": {"/spec": {"type": "ExternalName", "externalName": "example.com"}},
    "service without selector": {"/spec/selector": GONE},
    "service with an empty selector": {"/spec/selector": {}},
    "service whose selector is a text": {"/spec/selector": "a=b"},
    "service with a wrong value in its selector": {"/spec/selector/team": "a b"},
    "service with a wrong key in its selector": {"/spec/selector/a b": "c"},
    "service port without name": {P + "/name": GONE},
    "single service port without name": {"/spec/ports": [{"port": 80}]},
    "service port with an empty name": {P + "/name": ""},
    "service port with a name in upper case": {P + "/name": "HTTP"},
    "service port with a dot in its name": {P + "/name": "a.b"},
    "service port with a name of 64 characters": {P + "/name": "a" * 64},
    "service port with a name of 16 characters": {P + "/name": "a" * 16},
    "service port whose name is a number": {P + "/name": 1},
    "two service ports of one name": {P + "/name": "port-9090"},
    "service port without number": {P + "/port": GONE},
    "service port 0": {P + "/port": 0},
    "service port below 0": {P + "/port": -1},
    "service port 65535": {P + "/port": 65535},
    "service port 65536": {P + "/port": 65536},
    "service port that is a text": {P + "/port": "80"},
    "service port with a fraction": {P + "/port": 80.5},
    "service port that is null": {P + "/port": None},
    "two service ports of one number": {P + "/port": 9090},
    "two service ports of one number and two protocols": {P + "/port": 9090, P + "/protocol": "UDP"},
    "three wrong service ports": {"/spec/ports": [{"port": 1}, {"port": 1, "name": "a"}, {"port": 0, "name": "a"}]},
    "service port without protocol": {P + "/protocol": GONE},
    "service port with an empty protocol": {P + "/protocol": ""},
    "service port of UDP": {P + "/protocol": "UDP"},
    "service port of SCTP": {P + "/protocol": "SCTP"},
    "service port of an unknown protocol": {P + "/protocol": "HTTP"},
    "service port of a protocol in lower case": {P + "/protocol": "tcp"},
    "service port without target": {P + "/targetPort": GONE},
    "service port with target 0": {P + "/targetPort": 0},
    "service port with target below 0": {P + "/targetPort": -1},
    "service port with target 65536": {P + "/targetPort": 65536},
    "service port with a named target": {P + "/targetPort": "http"},
    "service port with an empty target": {P + "/targetPort": ""},
    "service port with a wrong target": {P + "/targetPort": "Not A Port"},
    "service port with a target of digits": {P + "/targetPort": "8080"},
    "service port whose target is true": {P + "/targetPort": True},
    "node port of a ClusterIP": {P + "/nodePort": 30500},
    "node port in the range": {"/spec/type": "NodePort", P + "/nodePort": 30001},
    "node port below the range": {"/spec/type": "NodePort", P + "/nodePort": 80},
    "node port above the range": {"/spec/type": "NodePort", P + "/nodePort": 40000},
    "node port below 0": {"/spec/type": "NodePort", P + "/nodePort": -1},
    "node port that is a text": {"/spec/type": "NodePort", P + "/nodePort": "30002"},
    "node port 0": {"/spec/type": "NodePort", P + "/nodePort": 0},
    "two node ports of one number": {"/spec/type": "NodePort", P + "/nodePort": 30003, "/spec/ports/1/nodePort": 30003},
    "service with session affinity": {"/spec/sessionAffinity": "ClientIP"},
    "service with unknown session affinity": {"/spec/sessionAffinity": "Cookie"},
    "unknown member of a service": {"/spec/nonsense": 1},
    "unknown member of a service port": {P + "/nonsense": 1},
    "service with a traffic policy": {"/spec/type": "NodePort", "/spec/externalTrafficPolicy": "Local"},
    # owner
    "owner without apiVersion": {"/metadata/ownerReferences": [{"kind": "Deployment", "name": "x", "uid": "u"}]},
    "owner without kind": {"/metadata/ownerReferences": [{"apiVersion": "apps/v1", "name": "x", "uid": "u"}]},
    "owner without name": {"/metadata/ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "uid": "u"}]},
    "owner without uid": {"/metadata/ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}]},
    "owner with an empty uid":
        {"/metadata/ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "x", "uid": ""}]},
    "owner of a wrong apiVersion":
        {"/metadata/ownerReferences": [{"apiVersion": "a/b/c", "kind": "Deployment", "name": "x", "uid": "u"}]},
    "owner that is an Event":
        {"/metadata/ownerReferences": [{"apiVersion": "v1", "kind": "Event", "name": "x", "uid": "u"}]},
    "two owners that control": {"/metadata/ownerReferences": [
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x", "uid": "u", "controller": True},
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "y", "uid": "v", "controller": True}]},
    "owners that are an object": {"/metadata/ownerReferences": {}},
    "owner whose uid is a number":
        {"/metadata/ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "x", "uid": 1}]},
}

SERVICES_REFUSED = {
    "service of type ExternalName", "service with an address that is none", "unknown member of a service",
    "unknown member of a service port", "service with a traffic policy", "service with session affinity",
    "owner of a wrong apiVersion", "owner that is an Event",
}

# A name that releases before 1.36 refuse: kubesim too.
OLDER_SERVICES = {"service with a name that begins with a digit": 422}

PC = "/spec/containers/0"

PODS = {
    "pod": {},
    "pod without spec": {"/spec": GONE},
    "pod without containers": {"/spec/containers": []},
    "pod without image": {PC + "/image": GONE},
    "pod that requests more than its limit": {PC + "/resources/requests/cpu": "2"},
    "pod with a host name": {"/spec/hostname": "web-0", "/spec/subdomain": "s-1"},
    "pod with a wrong host name": {"/spec/hostname": "Web_0"},
    "pod with a wrong subdomain": {"/spec/subdomain": "a.b"},
    "pod without requests": {PC + "/resources/requests": GONE},
    "pod that is restarted never": {"/spec/restartPolicy": "Never"},
    "pod that is restarted somehow": {"/spec/restartPolicy": "Sometimes"},
    "pod with a wrong port": {PC + "/ports/0/containerPort": 0},
    "pod with a wrong variable": {PC + "/env/0/name": "A=B"},
    "pod with a negative grace period": {"/spec/terminationGracePeriodSeconds": -1},
    "pod with a space before its image": {PC + "/image": " web"},
    "pod with a node": {"/spec/nodeName": "a-node"},
    "pod with a wrong node": {"/spec/nodeName": "A b"},
    "pod with an unknown member": {"/spec/nonsense": 1},
    "pod with a name in upper case": {"/metadata/name": "Web"},
}

PODS_REFUSED = {"pod with an unknown member", "pod with a space before its image"}

REPLICASETS = {
    "replicaset": {},
    "replicaset without selector": {"/spec/selector": GONE},
    "replicaset with an empty selector": {"/spec/selector": {}},
    "replicaset without template": {"/spec/template": GONE},
    "replicaset whose selector selects others": {"/spec/selector/matchLabels": {"other": "one"}},
    "replicaset with negative replicas": {"/spec/replicas": -1},
    "replicaset without image": {C + "/image": GONE},
}

# Changes of STATEFULSET.
STATEFULSETS = {
    "statefulset as we send it": {},
    "statefulset with one replica by default": {"/spec/replicas": GONE},
    "statefulset without policy": {"/spec/podManagementPolicy": GONE},
    "statefulset with an unknown policy": {"/spec/podManagementPolicy": "Sideways"},
    "statefulset without serviceName": {"/spec/serviceName": GONE},
    "statefulset whose serviceName is a number": {"/spec/serviceName": 1},
    "statefulset with an empty serviceName": {"/spec/serviceName": ""},
    "statefulset with a serviceName in upper case": {"/spec/serviceName": "Web"},
    "statefulset with a dot in its serviceName": {"/spec/serviceName": "a.b"},
    "statefulset with a slash in its serviceName": {"/spec/serviceName": "a/b"},
    "statefulset with a serviceName of 64 characters": {"/spec/serviceName": "a" * 64},
    "statefulset of another kind": {"/kind": "Deployment"},
    "statefulset without name": {"/metadata/name": GONE},
    "statefulset with a name in upper case": {"/metadata/name": "Web"},
    "statefulset with a name that ends in a dash": {"/metadata/name": "web-"},
    "statefulset without spec": {"/spec": GONE},
    "statefulset with negative replicas": {"/spec/replicas": -1},
    "statefulset whose replicas are a text": {"/spec/replicas": "1"},
    "statefulset without selector": {"/spec/selector": GONE},
    "statefulset with an empty selector": {"/spec/selector": {}},
    "statefulset whose selector selects others": {"/spec/selector/matchLabels": {"other": "one"}},
    "statefulset without template": {"/spec/template": GONE},
    "statefulset without image": {C + "/image": GONE},
    "statefulset with a label of 64 characters": {"/metadata/labels/n": "x" * 64},
    "statefulset with a wrong label in its template": {"/spec/template/metadata/labels/n": "a b"},
    "statefulset that is restarted never": {"/spec/template/spec/restartPolicy": "Never"},
    "statefulset with a rolling update": {"/spec/updateStrategy": {"type": "RollingUpdate"}},
    "statefulset without strategy's type": {"/spec/updateStrategy": {}},
    "statefulset with an unknown strategy": {"/spec/updateStrategy": {"type": "Recreate"}},
    "statefulset that is updated by deletion": {"/spec/updateStrategy": {"type": "OnDelete"}},
    "statefulset with a partition": {"/spec/updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}},
    "statefulset with two unavailable":
        {"/spec/updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}},
    "statefulset with negative revisionHistoryLimit": {"/spec/revisionHistoryLimit": -1},
    "statefulset with a Deployment's strategy": {"/spec/strategy": {"type": "Recreate"}},
}

STATEFULSETS_REFUSED = {
    "statefulset with a rolling update", "statefulset with negative revisionHistoryLimit",
    "statefulset with an unknown strategy", "statefulset that is updated by deletion", "statefulset with a partition",
    "statefulset with two unavailable", "statefulset with a Deployment's strategy",
}

T, M = "/spec/scaleTargetRef", "/spec/metrics/0"

# Changes of AUTOSCALER. Every member that we send is left out, empty, of another type, and invalid in other ways.
AUTOSCALERS = {
    "autoscaler as we send it": {},
    "autoscaler by two shares": {"/spec/metrics/1": utilization("memory")},
    "autoscaler by one share twice": {"/spec/metrics/1": utilization("cpu")},
    "autoscaler of another name": {"/metadata/name": "A_b"},
    "autoscaler without name": {"/metadata/name": GONE},
    "autoscaler of another kind": {"/kind": "Service"},
    "autoscaler of another apiVersion": {"/apiVersion": "autoscaling/v1"},
    "autoscaler with a wrong label": {"/metadata/labels/n": "a b"},
    "autoscaler with a wrong annotation": {"/metadata/annotations": {"a b": "c"}},
    "autoscaler without spec": {"/spec": GONE},
    "autoscaler whose spec is a text": {"/spec": "x"},
    "autoscaler without target": {T: GONE},
    "autoscaler whose target is a text": {T: "x"},
    "autoscaler whose target has no apiVersion": {T + "/apiVersion": GONE},
    "autoscaler whose target has a wrong apiVersion": {T + "/apiVersion": "a/b/c"},
    "autoscaler whose target has no kind": {T + "/kind": GONE},
    "autoscaler whose target has a slash in its kind": {T + "/kind": "a/b"},
    "autoscaler whose target has an unknown kind": {T + "/kind": "Nonsense"},
    "autoscaler whose target has no name": {T + "/name": GONE},
    "autoscaler whose target has an empty name": {T + "/name": ""},
    "autoscaler whose target has a slash in its name": {T + "/name": "a/b"},
    "autoscaler whose target has a percent sign in its name": {T + "/name": "a%b"},
    "autoscaler whose target is named dot dot": {T + "/name": ".."},
    "autoscaler whose target has a name in upper case": {T + "/name": "Web"},
    "autoscaler whose target has a number as its name": {T + "/name": 1},
    "autoscaler without minReplicas": {"/spec/minReplicas": GONE},
    "autoscaler with minReplicas 0": {"/spec/minReplicas": 0},
    "autoscaler with negative minReplicas": {"/spec/minReplicas": -1},
    "autoscaler whose minReplicas are null": {"/spec/minReplicas": None},
    "autoscaler whose minReplicas are a text": {"/spec/minReplicas": "2"},
    "autoscaler without maxReplicas": {"/spec/maxReplicas": GONE},
    "autoscaler with negative maxReplicas": {"/spec/maxReplicas": -1},
    "autoscaler with less maxReplicas than minReplicas": {"/spec/maxReplicas": 1},
    "autoscaler whose maxReplicas are a text": {"/spec/maxReplicas": "5"},
    "autoscaler with more maxReplicas than an int32": {"/spec/maxReplicas": 2147483648},
    "autoscaler without metrics": {"/spec/metrics": GONE},
    "autoscaler whose metrics are an object": {"/spec/metrics": {}},
    "autoscaler with a metric that is a text": {M: "x"},
    "autoscaler with a metric without type": {M + "/type": GONE},
    "autoscaler with a metric of an unknown type": {M + "/type": "Magic"},
    "autoscaler with a metric without resource": {M + "/resource": GONE},
    "autoscaler with a metric of no resource": {M + "/resource/name": GONE},
    "autoscaler with a metric of an unknown resource": {M + "/resource/name": "power"},
    "autoscaler with a metric without target": {M + "/resource/target": GONE},
    "autoscaler with a metric of an unknown target": {M + "/resource/target/type": "Magic"},
    "autoscaler by an amount": {M + "/resource/target": {"type": "AverageValue", "averageValue": "100m"}},
    "autoscaler by no share": {M + "/resource/target/averageUtilization": GONE},
    "autoscaler by a share of 0": {M + "/resource/target/averageUtilization": 0},
    "autoscaler by more than all": {M + "/resource/target/averageUtilization": 101},
    "autoscaler by a share that is a text": {M + "/resource/target/averageUtilization": "70"},
    "autoscaler with a behavior": {"/spec/behavior": {"scaleDown": {"stabilizationWindowSeconds": 5}}},
    "unknown member of an autoscaler": {"/spec/nonsense": 1},
}

AUTOSCALERS_REFUSED = {
    "autoscaler without metrics", "autoscaler with a metric without type", "autoscaler with a metric of an unknown type",
    "autoscaler with a metric without target", "autoscaler with a metric of an unknown target", "autoscaler by an amount",
    "autoscaler by no share", "autoscaler by a share of 0", "autoscaler with a behavior", "unknown member of an autoscaler",
    "autoscaler with a metric without resource", "autoscaler without spec",
}

# ---- PATCH: existing object and patch -------------------------------------------------------------------------------

PAUSED = changed(DEPLOYMENT, {"/spec/paused": True})


STATEFULSET_MERGES = {
    "statefulset merge of replicas": {"spec": {"replicas": 2}},
    "statefulset merge of an image": {"spec": {"template": {"spec": {"containers": [{**CONTAINER, "image": "web:2"}]}}}},
    "statefulset merge of annotations": {"metadata": {"annotations": {"dcm.project/spec": "{1}"}}},
    "statefulset merge of a policy": {"spec": {"podManagementPolicy": "OrderedReady"}},
    "statefulset merge of a serviceName": {"spec": {"serviceName": "another"}},
    "statefulset merge of a selector": {"spec": {"selector": {"matchLabels": {"team": "shop"}}}},
    "statefulset merge of another uid": {"metadata": {"uid": "another"}},
    "statefulset merge of the right uid": {"metadata": {"uid": "UID"}},
}


def of_container(**members):
    """A patch that replaces the whole container."""
    return {"spec": {"template": {"spec": {"containers": [{**CONTAINER, **members}]}}}}


DEPLOYMENT_MERGES = {
    "merge that changes nothing": {},
    "merge of an annotation": {"metadata": {"annotations": {"dcm.project/owed": "x"}}},
    "merge that removes an annotation": {"metadata": {"annotations": {"dcm.project/spec": None}}},
    "merge that removes what is not there": {"metadata": {"annotations": {"nothing": None}}},
    "merge that removes all annotations": {"metadata": {"annotations": None}},
    "merge of a label": {"metadata": {"labels": {"team": "toys"}}},
    "merge of a wrong label": {"metadata": {"labels": {"team": "a b"}}},
    "merge of a label that is a number": {"metadata": {"labels": {"team": 1}}},
    "merge of replicas": {"spec": {"replicas": 1, "paused": True}},
    "merge of the same replicas": {"spec": {"replicas": 0}},
    "merge of negative replicas": {"spec": {"replicas": -1}},
    "merge of replicas that are a text": {"spec": {"replicas": "2"}},
    "merge that removes the replicas": {"spec": {"replicas": None, "paused": True}},
    "merge of an image": of_container(image="web:2"),
    "merge of an empty image": of_container(image=""),
    "merge of containers without the rest": {"spec": {"template": {"spec": {"containers": [{"name": "web"}]}}}},
    "merge that removes the containers": {"spec": {"template": {"spec": {"containers": None}}}},
    "merge of requests above limits":
        of_container(resources={"requests": {"cpu": "3"}, "limits": {"cpu": "1"}}),
    "merge of a wrong quantity": of_container(resources={"requests": {"cpu": "much"}}),
    "merge of the selector": {"spec": {"selector": {"matchLabels": {"team": "shop"}}}},
    "merge that removes the selector": {"spec": {"selector": None}},
    "merge of the template's labels": {"spec": {"template": {"metadata": {"labels": {"team": "toys"}}}}},
    "merge that parts selector and template":
        {"spec": {"template": {"metadata": {"labels": {"dcm.project/managed-by": None}}}}},
    "merge of the strategy": {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}},
    "merge of the strategy's type alone": {"spec": {"strategy": {"type": "Recreate"}}},
    "merge of an unknown strategy": {"spec": {"strategy": {"type": "x"}}},
    "merge of the name": {"metadata": {"name": "another"}},
    "merge of the namespace": {"metadata": {"namespace": "elsewhere"}},
    "merge of the kind": {"kind": "Service"},
    "merge of the apiVersion": {"apiVersion": "v1"},
    "merge with the right kind": {"apiVersion": "apps/v1", "kind": "Deployment"},
    "merge with the right uid": {"metadata": {"uid": "UID", "labels": {"a": "b"}}},
    "merge with a wrong uid": {"metadata": {"uid": "00000000-0000-0000-0000-000000000000"}},
    "merge that removes the uid": {"metadata": {"uid": None}},
    "merge with a wrong version": {"metadata": {"resourceVersion": "1"}},
    "merge with an empty version": {"metadata": {"resourceVersion": "", "labels": {"a": "b"}}},
    "merge with a version that is a word": {"metadata": {"resourceVersion": "x"}},
    "merge of the creation time": {"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z"}},
    "merge of the deletion time": {"metadata": {"deletionTimestamp": "2020-01-01T00:00:00Z"}},
    "merge of the grace period": {"metadata": {"deletionGracePeriodSeconds": 5}},
    "merge of a time that is none": {"metadata": {"creationTimestamp": "yesterday"}},
    "merge of the generated name": {"metadata": {"generateName": "x-"}},
    "merge of an owner": {"metadata": {"ownerReferences": [
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x", "uid": "UID"}]}},
    "merge of a wrong owner": {"metadata": {"ownerReferences": [{"name": "x", "uid": "UID"}]}},
    "merge of the generation": {"metadata": {"generation": 99}},
    "merge of the status": {"status": {"replicas": 77}},
    "merge of a finalizer": {"metadata": {"finalizers": ["example.com/hold"]}},
    "merge of an unknown member": {"spec": {"nonsense": 1}},
    "merge that removes an unknown member": {"spec": {"nonsense": None}},
    "merge that is a list": [],
    "merge that is a text": "x",
    "merge that is null": None,
    "merge that is no JSON": "RAW {",
    "merge that is empty": "RAW ",
    "merge that is a member twice": 'RAW {"spec":{"replicas":0,"replicas":0}}',
    "merge that removes the spec": {"spec": None},
    "merge that removes the metadata": {"metadata": None},
    "merge of a spec that is a text": {"spec": "x"},
}

DEPLOYMENT_MERGES_REFUSED = {
    "merge of an unknown member", "merge that is a member twice", "merge of a time that is none",
}

SERVICE_MERGES = {
    "service merge that changes nothing": {"spec": {"type": "ClusterIP"}},
    "service merge of a label": {"metadata": {"labels": {"team": "toys"}}},
    "service merge of the selector": {"spec": {"selector": {"team": "toys"}}},
    "service merge of ports": {"spec": {"ports": [{"port": 81, "protocol": "TCP", "targetPort": 81}]}},
    "service merge of ports without protocol": {"spec": {"ports": [{"port": 82}]}},
    "service merge of no ports": {"spec": {"ports": []}},
    "service merge that removes the ports": {"spec": {"ports": None}},
    "service merge of a wrong port": {"spec": {"ports": [{"port": 0}]}},
    "service merge of a port twice": {"spec": {"ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]}},
    "service merge of a type": {"spec": {"type": "NodePort"}},
    "service merge of an unknown type": {"spec": {"type": "x"}},
    "service merge of another address": {"spec": {"clusterIP": "10.96.200.200"}},
    "service merge of no address": {"spec": {"clusterIP": "None"}},
    "service merge that removes the address": {"spec": {"clusterIP": None}},
    "service merge that removes all addresses": {"spec": {"clusterIP": None, "clusterIPs": None}},
    "service merge of a wrong uid": {"metadata": {"uid": "x"}},
    "service merge of the right version": {"metadata": {"resourceVersion": "VERSION", "labels": {"a": "b"}}},
    "service merge of the right version as a number": {"metadata": {"resourceVersion": 1}},
    "service merge of an old version": {"metadata": {"resourceVersion": "1"}},
    "service merge of the status": {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}},
}

STRATEGIC_PATCHES = {
    "strategic patch of an image":
        {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}}},
    "strategic patch that adds a container":
        {"spec": {"template": {"spec": {"containers": [{"name": "b", "image": "b"}]}}}},
    "strategic patch of a variable":
        {"spec": {"template": {"spec": {"containers": [{"name": "web", "env": [{"name": "MODE", "value": "x"}]}]}}}},
    "strategic patch of a port":
        {"spec": {"template": {"spec": {"containers": [{"name": "web", "ports": [{"containerPort": 1}]}]}}}},
    "strategic patch that removes a member":
        {"spec": {"template": {"spec": {"containers": [{"name": "web", "args": None}]}}}},
    "strategic patch of a container without name":
        {"spec": {"template": {"spec": {"containers": [{"image": "web:2"}]}}}},
    "strategic patch that deletes a container":
        {"spec": {"template": {"spec": {"containers": [{"name": "web", "$patch": "delete"}]}}}},
    "strategic patch that replaces the containers":
        {"spec": {"template": {"spec": {"containers": [{"name": "x", "image": "x"}, {"$patch": "replace"}]}}}},
    "strategic patch with an unknown order": {"spec": {"$nonsense": 1}},
    "strategic patch of the strategy that keeps its keys":
        {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}},
    "strategic patch of a finalizer": {"metadata": {"finalizers": ["example.com/more"]}},
    "strategic patch of a label": {"metadata": {"labels": {"team": "toys"}}},
    "strategic patch of negative replicas": {"spec": {"replicas": -1}},
    "strategic patch of replicas that are a text": {"spec": {"replicas": "2"}},
    "strategic patch of an unknown member": {"spec": {"nonsense": 1}},
    "strategic patch of the selector": {"spec": {"selector": {"matchLabels": {"team": "shop"}}}},
}

STRATEGIC_REFUSED = {
    "strategic patch of a container without name", "strategic patch that deletes a container",
    "strategic patch that replaces the containers", "strategic patch with an unknown order",
    "strategic patch of the strategy that keeps its keys", "strategic patch of a finalizer",
    "strategic patch of an unknown member",
}

# ---- PUT ------------------------------------------------------------------------------------------------------------

SERVICE_PUTS = {
    "service put of the same": {},
    "service put of the right version": {"/metadata/resourceVersion": "VERSION", "/metadata/labels/team": "toys"},
    "service put of an old version": {"/metadata/resourceVersion": "1"},
    "service put of a version that is a word": {"/metadata/resourceVersion": "x"},
    "service put of a version that is a number": {"/metadata/resourceVersion": 1},
    "service put of the right uid": {"/metadata/uid": "UID", "/metadata/labels/team": "toys"},
    "service put of a wrong uid": {"/metadata/uid": "00000000-0000-0000-0000-000000000000"},
    "service put of another name": {"/metadata/name": "another"},
    "service put without name": {"/metadata/name": GONE},
    "service put for another namespace": {"/metadata/namespace": "elsewhere"},
    "service put without ports": {"/spec/ports": GONE},
    "service put without labels": {"/metadata/labels": GONE},
    "service put of another kind": {"/kind": "Deployment"},
    "service put of another address": {"/spec/clusterIP": "10.96.200.200", "/spec/clusterIPs": ["10.96.200.200"]},
    "service put without spec": {"/spec": GONE},
}

DEPLOYMENT_PUTS = {
    "put of the same": {},
    "put of an old version": {"/metadata/resourceVersion": "1"},
    "put of another image": {C + "/image": "web:2"},
    "put without image": {C + "/image": GONE},
    "put without replicas": {"/spec/replicas": GONE},
    "put of another label": {"/metadata/labels/team": "toys"},
    "put of another selector": {"/spec/selector/matchLabels": {"team": "shop"}},
    "put without selector": {"/spec/selector": GONE},
    "put of another uid": {"/metadata/uid": "x"},
    "put of another name": {"/metadata/name": "another"},
    "put of an unknown member": {"/spec/nonsense": 1},
    "put of a wrong type": {"/spec/replicas": "x"},
    "put of a status": {"/status": {"replicas": 9}},
}

DEPLOYMENT_PUTS_REFUSED = {"put of an unknown member"}

CHANGED_DEPLOYMENT = DEPLOYED + ("/metadata/uid",)
CHANGED_SERVICE = SERVED + ("/metadata/uid", "/metadata/resourceVersion")

# ---- pods are changed -----------------------------------------------------------------------------------------------

POD_MERGES = {
    "pod merge of an image": {"spec": {"containers": [{**CONTAINER, "image": "web:2"}]}},
    "pod merge of the arguments": {"spec": {"containers": [{**CONTAINER, "args": ["x"]}]}},
    "pod merge of a label": {"metadata": {"labels": {"team": "toys"}}},
    "pod merge of the restart policy": {"spec": {"restartPolicy": "Never"}},
}

# ---- the rest: one by one -------------------------------------------------------------------------------------------

NAMED = "/NAME"
HELD = changed(ALONE, {"/metadata/finalizers": ["example.com/hold"]})
TOYS = changed(ALONE, {"/metadata/labels/team": "toys"})
ON_NODES = changed(ALONE, {"/spec/type": "NodePort"})
REVISION = "/items/*/metadata/annotations/deployment.kubernetes.io~1revision"
REVISIONS = (("replicasets", (REVISION,)), ("deployments", (REVISION, "/items/*/metadata/generation")))
HISTORY = "/items/*/metadata/annotations/deployment.kubernetes.io~1revision-history"
ANNOTATIONS = (("replicasets", tuple(f"/items/*/metadata/annotations/{name}" for name in (
    "dcm.project~1spec", "dcm.project~1creation-token", "new"))),)
SET = METADATA + ("/apiVersion", "/kind", "/spec/replicas", "/spec/selector", "/spec/serviceName",
                  "/spec/podManagementPolicy", "/spec/updateStrategy", "/spec/revisionHistoryLimit",
                  "/spec/persistentVolumeClaimRetentionPolicy", "/spec/template/metadata/labels",
                  ) + tuple("/spec/template/spec" + member for member in POD_SPEC)
SET_REVISIONS = (("controllerrevisions", ("/items/*/revision", "/items/*/metadata/annotations/dcm.project~1spec",
                                          "/items/*/metadata/labels/team")),
                 ("statefulsets", ("/items/*/metadata/generation",)))
THREE = [changed(ALONE, {"/metadata/name": f"NAME-{letter}", "/metadata/labels/place": letter}) for letter in "abc"]
NAMES = ("/items/*/metadata/name", "/metadata/continue", "/metadata/remainingItemCount", "/kind", "/apiVersion")
MINE = "labelSelector=dcm.project/dcm-instance-id%3DNAME"
DELETED = ("/kind", "/details/name", "/details/kind", "/details/uid", "/details/group")


def deletion(kind, body=None, query="", **more):
    base = {"deployments": PAUSED, "services": ALONE}[kind]
    return Case("DELETE", kind, body, NAMED, query, given=[base], look=DELETED, **more)


def listed(query, kind="services", **more):
    return Case("GET", kind, query=query, given=THREE, look=NAMES, **more)


OTHERS = {
    # creating
    "second create of one name": Case("POST", "deployments", DEPLOYMENT, given=[DEPLOYMENT]),
    "second create of a service": Case("POST", "services", ALONE, given=[ALONE]),
    "wrong second create": Case("POST", "services", changed(ALONE, {"/spec/ports": []}), given=[ALONE]),
    "service with its owner": Case("POST", "services", SERVICE, given=[PAUSED], look=SERVED),
    "service with a node port that is taken": Case(
        "POST", "services", changed(ALONE, {"/spec/type": "NodePort", P + "/nodePort": 30010}),
        given=[changed(ALONE, {"/metadata/name": "NAME-first", "/spec/type": "NodePort", P + "/nodePort": 30010})]),
    "create by a generated name": Case(
        "POST", "services", changed(ALONE, {"/metadata/name": GONE, "/metadata/generateName": "NAME-"}),
        look=("/metadata/generateName",)),
    "create by a wrong generated name": Case(
        "POST", "services", changed(ALONE, {"/metadata/name": GONE, "/metadata/generateName": "A_"})),
    "create with a field manager": Case("POST", "deployments", DEPLOYMENT, query="fieldManager=kubectl"),
    "create with a field manager of 129 characters": Case(
        "POST", "deployments", DEPLOYMENT, query="fieldManager=" + "m" * 129, kubesim=REFUSED),
    "create with a control character in the field manager": Case(
        "POST", "deployments", DEPLOYMENT, query="fieldManager=a%01", kubesim=REFUSED),
    "create with strict validation": Case("POST", "deployments", DEPLOYMENT, query="fieldValidation=Strict"),
    "create of an unknown member with strict validation": Case(
        "POST", "deployments", changed(DEPLOYMENT, {"/spec/nonsense": 1}), query="fieldValidation=Strict",
        kubesim=REFUSED),
    "create with unknown validation": Case(
        "POST", "deployments", DEPLOYMENT, query="fieldValidation=Lax", kubesim=REFUSED),
    "create for a trial": Case(
        "POST", "deployments", DEPLOYMENT, query="dryRun=All", look=DEPLOYED, stored=("/reason",)),
    "create of what is there for a trial": Case("POST", "deployments", PAUSED, query="dryRun=All", given=[PAUSED]),
    "create of what is invalid for a trial": Case(
        "POST", "services", changed(ALONE, {"/spec/ports": []}), query="dryRun=All"),
    "create of a service for a trial": Case(
        "POST", "services", ALONE, query="dryRun=All", look=("/spec/ports", "/spec/type"), stored=("/reason",)),
    "put for a trial": Case(
        "PUT", "deployments", changed(PAUSED, {"/spec/replicas": 2}), NAMED, "dryRun=All", given=[PAUSED],
        look=("/spec/replicas", "/metadata/generation"),
        stored=("/spec/replicas", "/metadata/generation")),  # the version changes with the status
    "put of an old version for a trial": Case(
        "PUT", "deployments", changed(PAUSED, {"/metadata/resourceVersion": "1"}), NAMED, "dryRun=All", given=[PAUSED]),
    "put of what is invalid for a trial": Case(
        "PUT", "deployments", changed(PAUSED, {"/spec/replicas": -1}), NAMED, "dryRun=All", given=[PAUSED]),
    "put of null in the place of what recreate has not": Case(
        "PUT", "deployments", changed(PAUSED, {"/spec/strategy": {"type": "Recreate", "rollingUpdate": None}}), NAMED,
        given=[PAUSED], look=("/spec/strategy",)),
    "put of recreate beside the defaults": Case(
        "PUT", "deployments", changed(PAUSED, {"/spec/strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}}),
        NAMED, given=[PAUSED]),
    "put of a service of the version that there is": Case(
        "PUT", "services", changed(ALONE, {"/metadata/resourceVersion": "NOW", "/metadata/labels/n": "v"}), NAMED,
        given=[ALONE], look=("/metadata/labels", "/spec/clusterIP")),

    # autoscalers
    "merge that removes the kind of an autoscaler's target": Case(
        "PATCH", "horizontalpodautoscalers", {"spec": {"scaleTargetRef": {"kind": None}}}, NAMED, content_type=MERGE,
        given=[AUTOSCALER]),
    "put of another autoscaler": Case(
        "PUT", "horizontalpodautoscalers", changed(AUTOSCALER, {"/spec/maxReplicas": 9, "/metadata/resourceVersion": "NOW"}),
        NAMED, given=[AUTOSCALER], look=("/spec/maxReplicas", "/spec/minReplicas")),
    "put of an autoscaler of an old version": Case(
        "PUT", "horizontalpodautoscalers", changed(AUTOSCALER, {"/metadata/resourceVersion": "1"}), NAMED, given=[AUTOSCALER]),
    "delete of an autoscaler for an unknown trial": Case(
        "DELETE", "horizontalpodautoscalers", {"dryRun": ["Some"]}, NAMED, given=[AUTOSCALER], kubesim=REFUSED),
    "delete of an autoscaler for a trial that is a text": Case(
        "DELETE", "horizontalpodautoscalers", {"dryRun": "All"}, NAMED, given=[AUTOSCALER]),
    "delete of an autoscaler": Case("DELETE", "horizontalpodautoscalers", {}, NAMED, given=[AUTOSCALER], look=("/kind",)),

    "create for an unknown trial": Case("POST", "deployments", DEPLOYMENT, query="dryRun=x", kubesim=REFUSED),
    "create of a text": Case("POST", "deployments", "x"),
    "create of a list": Case("POST", "deployments", []),
    "create of null": Case("POST", "deployments", None, kubesim=REFUSED),
    "create of nothing": Case("POST", "deployments", "RAW "),
    "create of broken JSON": Case("POST", "deployments", 'RAW {"kind":"Deployment"'),
    "create of two objects": Case("POST", "deployments", "RAW {}{}"),
    "create of a member twice": Case(
        "POST", "services", 'RAW {"metadata":{"name":"NAME","name":"NAME"},"spec":{"ports":[{"port":80}]}}',
        kubesim=REFUSED),
    "create of an empty object": Case("POST", "deployments", {}),
    "create of plain text": Case("POST", "deployments", DEPLOYMENT, content_type="text/plain"),
    "create of YAML": Case("POST", "deployments", DEPLOYMENT, content_type="application/yaml", kubesim=REFUSED),
    "create with a charset": Case("POST", "deployments", DEPLOYMENT, content_type="application/json; charset=utf-8"),
    "create of a patch": Case("POST", "deployments", DEPLOYMENT, content_type=MERGE),
    "create on a name": Case("POST", "deployments", DEPLOYMENT, NAMED),
    "create of a status": Case(
        "POST", "services", changed(ALONE, {"/status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.9"}]}}}),
        look=("/status",)),
    "create in a namespace that is not there": Case("POST", "deployments", DEPLOYMENT, tail="@elsewhere"),

    # reading
    "get of a deployment": Case("GET", "deployments", tail=NAMED, given=[PAUSED], look=CHANGED_DEPLOYMENT),
    "get of a service": Case("GET", "services", tail=NAMED, given=[ALONE], look=CHANGED_SERVICE),
    "get of what is not there": Case("GET", "deployments", tail=NAMED, look=("/details",)),
    "get of a service that is not there": Case("GET", "services", tail=NAMED, look=("/details",)),
    "get of a wrong name": Case("GET", "deployments", tail="/Not_A_Name", look=("/details",)),
    "get of an unknown subresource": Case("GET", "deployments", tail=NAMED + "/nonsense", given=[PAUSED]),
    "get of an unknown resource": Case("GET", "nonsenses"),
    "get of the scale": Case("GET", "deployments", tail=NAMED + "/scale", given=[PAUSED],
                             look=("/kind", "/apiVersion", "/metadata/uid", "/spec", "/status/selector")),
    "get of a service's scale": Case("GET", "services", tail=NAMED + "/scale", given=[ALONE]),
    "get of the scale of what is not there": Case("GET", "deployments", tail=NAMED + "/scale", look=("/details",)),
    "put of a collection": Case("PUT", "deployments", DEPLOYMENT),
    "patch of a collection": Case("PATCH", "deployments", {}, content_type=MERGE),

    # lists
    "list by label": listed(MINE),
    "list of a page": listed(MINE + "&limit=2"),
    "list of the next page": Case("GET", "services", query=MINE + "&limit=2&continue=CONTINUE", look=NAMES,
                                  given=[*THREE, ("GET", MINE + "&limit=2")]),
    "list with limit 0": listed(MINE + "&limit=0"),
    "list with a negative limit": listed(MINE + "&limit=-1"),
    "list with a limit that is a word": listed(MINE + "&limit=x"),
    "list with a wrong page token": listed(MINE + "&limit=1&continue=nonsense"),
    "list of a page and a version": Case(
        "GET", "services", query=MINE + "&limit=2&continue=CONTINUE&resourceVersion=NOW", look=NAMES,
        given=[*THREE, ("GET", MINE + "&limit=2")]),
    "list of version 0": listed(MINE + "&resourceVersion=0"),
    "list of a version that is a word": listed(MINE + "&resourceVersion=x"),
    "list of exactly a version": listed(MINE + "&resourceVersion=NOW&resourceVersionMatch=Exact"),
    "list of an unknown match": listed(MINE + "&resourceVersion=1&resourceVersionMatch=x", kubesim=REFUSED),
    "list by two labels": listed(MINE + ",place%3Db"),
    "list by a set of labels": listed(MINE + ",place%20in%20(a,c)"),
    "list without a set of labels": listed(MINE + ",place%20notin%20(a,c)"),
    "list of those with a label": listed(MINE + ",place"),
    "list of those without a label": listed(MINE + ",!place"),
    "list by two equal signs": listed(MINE + ",place%3D%3Da"),
    "list by inequality": listed(MINE + ",place!%3Da"),
    "list by an empty label": listed(MINE + ",place%3D"),
    "list by a label that is greater": listed(MINE + ",place%3E1", kubesim=REFUSED),
    "list by three equal signs": listed("labelSelector=a%3D%3D%3Db"),
    "list by a broken selector": listed("labelSelector=a%20b"),
    "list by a wrong label key": listed("labelSelector=-a%3Db"),
    "list by a wrong label value": listed("labelSelector=a%3D-b"),
    "list by a label value that is too long": listed("labelSelector=a%3D" + "x" * 64),
    "list by an empty set": listed("labelSelector=a%20in%20()"),
    "list by a set without brackets": listed("labelSelector=a%20in%20b"),
    "list by an open set": listed("labelSelector=a%20in%20(b"),
    "list by a comma": listed("labelSelector=,"),
    "list by name": listed(MINE + "&fieldSelector=metadata.name%3DNAME-b"),
    "list by another name": listed(MINE + "&fieldSelector=metadata.name!%3DNAME-b"),
    "list by namespace": listed(MINE + "&fieldSelector=metadata.namespace%3Delsewhere"),
    "list by a field that cannot select": listed(MINE + "&fieldSelector=spec.sessionAffinity%3DNone"),
    "list by a field of services": listed(MINE + "&fieldSelector=spec.type%3DClusterIP"),
    "list by a set of fields": listed(MINE + "&fieldSelector=metadata.name%20in%20(a)"),
    "list by a broken field selector": listed(MINE + "&fieldSelector=metadata.name"),
    "list of deployments by a field": listed(MINE + "&fieldSelector=spec.replicas%3D0", "deployments"),
    "exec without an upgrade": Case("GET", "pods", tail="/NAME/exec", query="command=x&stdout=true", given=[POD]),
    "exec in a container that is not there": Case("GET", "pods", tail="/NAME/exec", given=[POD],
                                                  query="command=x&stdout=true&container=nobody"),
    "exec in a pod that is not there": Case("GET", "pods", tail="/NAME/exec", query="command=x&stdout=true"),
    "list of pods by phase": listed(MINE + "&fieldSelector=status.phase%3DRunning", "pods"),
    "list of pods by a field that cannot select": listed(MINE + "&fieldSelector=spec.hostname%3Dx", "pods"),

    # deleting
    "delete of a service": deletion("services"),
    "delete of a deployment": deletion("deployments"),
    "delete of what is not there": Case("DELETE", "services", tail=NAMED, look=("/details",)),
    "delete as we send it": deletion("deployments", {
        "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
        "preconditions": {"uid": "UID"}}),
    "delete of another uid": deletion("services", {"preconditions": {"uid": "another"}}),
    "delete of an empty uid": deletion("services", {"preconditions": {"uid": ""}}),
    "delete of the right uid": deletion("services", {"preconditions": {"uid": "UID"}}),
    "delete of the right version": deletion("services", {"preconditions": {"resourceVersion": "VERSION"}}),
    "delete of an old version": deletion("services", {"preconditions": {"resourceVersion": "1"}}),
    "delete of the right uid and an old version": deletion(
        "services", {"preconditions": {"uid": "UID", "resourceVersion": "1"}}),
    "delete of another uid and an old version": deletion(
        "services", {"preconditions": {"uid": "x", "resourceVersion": "1"}}),
    "delete with a precondition of another type": deletion("services", {"preconditions": {"uid": 1}}),
    "delete with preconditions that are a text": deletion("services", {"preconditions": "x"}),
    "delete with an unknown precondition": deletion("services", {"preconditions": {"generation": 1}}, kubesim=REFUSED),
    "delete with an unknown option": deletion("services", {"nonsense": 1}, kubesim=REFUSED),
    "delete in the background": deletion("services", {"propagationPolicy": "Background"}),
    "delete in the foreground": deletion("services", {"propagationPolicy": "Foreground"}, kubesim=REFUSED),
    "delete that leaves orphans": deletion("deployments", {"propagationPolicy": "Orphan"}, kubesim=REFUSED),
    "delete by an unknown policy": deletion("services", {"propagationPolicy": "Nonsense"}, kubesim=REFUSED),
    "delete by an old option": deletion("services", {"orphanDependents": True}, kubesim=REFUSED),
    "delete without grace": deletion("services", {"gracePeriodSeconds": 0}),
    "delete with negative grace": deletion("services", {"gracePeriodSeconds": -1}),
    "delete with grace that is a text": deletion("services", {"gracePeriodSeconds": "1"}),
    "delete by query in the background": deletion("services", query="propagationPolicy=Background", kubesim=REFUSED),
    "delete by query that leaves orphans": deletion("services", query="propagationPolicy=Orphan", kubesim=REFUSED),
    "delete by query without grace": deletion("services", query="gracePeriodSeconds=0"),
    "delete for a trial": deletion("services", query="dryRun=All", kubesim=REFUSED),
    "delete for a trial by body": deletion("services", {"dryRun": ["All"]}),
    "delete with options of another kind": deletion("services", {"apiVersion": "v1", "kind": "Service"}),
    "delete with broken options": deletion("services", "RAW {"),
    "delete with options that are a list": deletion("services", []),
    "delete of what a finalizer holds": Case(
        "DELETE", "services", tail=NAMED, given=[HELD],
        look=("/kind", "/metadata/finalizers", "/metadata/deletionGracePeriodSeconds"),
        stored=("/metadata/finalizers",)),
    "delete of a collection": Case("DELETE", "services", query=MINE, given=THREE, kubesim=REFUSED),
    "delete of the scale": Case("DELETE", "deployments", tail=NAMED + "/scale", given=[PAUSED]),

    # objects being deleted
    "change of what is being deleted": Case(
        "PATCH", "services", {"metadata": {"labels": {"a": "b"}}}, NAMED, content_type=MERGE,
        given=[HELD, ("DELETE", None)], look=("/metadata/labels",)),
    "finalizer for what is being deleted": Case(
        "PATCH", "services", {"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}}, NAMED,
        content_type=MERGE,
        given=[HELD, ("DELETE", None)]),
    "last finalizer goes": Case(
        "PATCH", "services", {"metadata": {"finalizers": None}}, NAMED, content_type=MERGE,
        given=[HELD, ("DELETE", None)],
        stored=("/reason",)),
    "second create beside what is being deleted": Case(
        "POST", "services", ALONE,
        given=[HELD, ("DELETE", None)]),

    # a Service's type, there and back
    "service merge back to ClusterIP": Case(
        "PATCH", "services", {"spec": {"type": "ClusterIP"}}, NAMED, content_type=MERGE,
        given=[ON_NODES], look=("/spec/type", "/spec/ports")),
    "service merge of a node port into a ClusterIP": Case(
        "PATCH", "services", {"spec": {"ports": [{"port": 80, "nodePort": 30020}]}}, NAMED, content_type=MERGE,
        given=[ALONE]),
    "service merge of another node port": Case(
        "PATCH", "services", {"spec": {"ports": [{"port": 80, "nodePort": 30021}]}}, NAMED, content_type=MERGE,
        given=[ON_NODES], look=("/spec/type", "/spec/ports")),
    "service merge of a port beside a node port": Case(
        "PATCH", "services", {"spec": {"ports": [{"port": 8080, "name": "a"}, {"port": 81, "name": "b"}]}}, NAMED,
        content_type=MERGE, given=[ON_NODES], look=("/spec/type", "/spec/ports")),
    "service put without node ports": Case(
        "PUT", "services", ON_NODES, NAMED,
        given=[ON_NODES], look=("/spec/type", "/spec/ports", "/metadata/resourceVersion")),

    # patches that are no merge
    "patch of what is not there": Case("PATCH", "deployments", {}, NAMED, content_type=MERGE, look=("/details",)),
    "put of what is not there": Case("PUT", "deployments", DEPLOYMENT, NAMED, look=("/details",)),
    "put of a service that is not there": Case("PUT", "services", ALONE, NAMED, kubesim=REFUSED),
    "patch of plain JSON": Case("PATCH", "deployments", {}, NAMED, content_type=JSON, given=[PAUSED]),
    "patch of plain text": Case("PATCH", "deployments", {}, NAMED, content_type="text/plain", given=[PAUSED]),
    "patch with a charset": Case(
        "PATCH", "deployments", {"metadata": {"labels": {"a": "b"}}}, NAMED,
        content_type="application/merge-patch+json; charset=utf-8", given=[PAUSED]),
    "JSON patch": Case(
        "PATCH", "deployments", [{"op": "replace", "path": "/spec/replicas", "value": 1}], NAMED,
        content_type=JSON_PATCH, given=[PAUSED], look=("/spec/replicas",), kubesim=REFUSED),
    "JSON patch whose test fails": Case(
        "PATCH", "deployments", [{"op": "test", "path": "/spec/replicas", "value": 5}], NAMED,
        content_type=JSON_PATCH, given=[PAUSED], kubesim=REFUSED),
    "apply that creates": Case(
        "PATCH", "services", ALONE, NAMED, "fieldManager=dcm", APPLY, look=SERVED + (MANAGERS,), kubesim=REFUSED),
    "apply over what was created": Case(
        "PATCH", "services", changed(ALONE, {"/spec/selector/team": "toys"}), NAMED, "fieldManager=dcm", APPLY,
        given=[ALONE], look=SERVED + (MANAGERS,), kubesim=REFUSED),
    "apply that conflicts": Case(
        "PATCH", "services", TOYS, NAMED, "fieldManager=dcm", APPLY,
        given=[ALONE], kubesim=REFUSED),
    "apply by force": Case(
        "PATCH", "services", TOYS, NAMED, "fieldManager=dcm&force=true", APPLY,
        given=[ALONE], look=("/metadata/labels", MANAGERS), kubesim=REFUSED),
    "apply without field manager": Case("PATCH", "services", ALONE, NAMED, "", APPLY, kubesim=REFUSED),
    "apply of a uid to what is not there": Case(
        "PATCH", "services", changed(ALONE, {"/metadata/uid": "x"}), NAMED, "fieldManager=dcm", APPLY, kubesim=REFUSED),
    "merge patch by force": Case(
        "PATCH", "services", {}, NAMED, "force=true", MERGE, given=[ALONE], kubesim=REFUSED),
    "merge patch for a trial": Case(
        "PATCH", "services", {"metadata": {"labels": {"a": "b"}}}, NAMED, "dryRun=All", MERGE, given=[ALONE],
        stored=("/metadata/labels",), kubesim=REFUSED),

    # who owns the fields
    "managers after a create": Case(
        "POST", "services", ALONE, query="fieldManager=dcm", look=(MANAGERS,)),
    "managers after a create without a name": Case("POST", "services", ALONE, look=(MANAGERS,)),
    "managers after a put": Case(
        "PUT", "services", TOYS, NAMED, "fieldManager=second", given=[ALONE],
        look=(MANAGERS,)),
    "managers after a patch": Case(
        "PATCH", "services", {"metadata": {"labels": {"a": "b"}}}, NAMED, "fieldManager=second", MERGE, given=[ALONE],
        look=(MANAGERS,)),
    "managers after a patch that changes nothing": Case(
        "PATCH", "services", {}, NAMED, "fieldManager=second", MERGE, given=[ALONE],
        look=(MANAGERS, "/metadata/resourceVersion")),

    # scale
    "patch of the scale": Case(
        "PATCH", "deployments", {"spec": {"replicas": 2}}, NAMED + "/scale", content_type=MERGE, given=[PAUSED],
        look=("/kind", "/apiVersion", "/spec", "/metadata/name"), stored=("/spec/replicas", "/metadata/generation")),
    "patch of the scale to the same": Case(
        "PATCH", "deployments", {"spec": {"replicas": 0}}, NAMED + "/scale", content_type=MERGE, given=[PAUSED],
        look=("/spec",), stored=("/spec/replicas", "/metadata/generation")),
    "patch of the scale below 0": Case(
        "PATCH", "deployments", {"spec": {"replicas": -1}}, NAMED + "/scale", content_type=MERGE, given=[PAUSED]),
    "patch of the scale to a text": Case(
        "PATCH", "deployments", {"spec": {"replicas": "2"}}, NAMED + "/scale", content_type=MERGE, given=[PAUSED]),
    "patch of the scale to nothing": Case(
        "PATCH", "deployments", {"spec": {"replicas": None}}, NAMED + "/scale", content_type=MERGE, given=[
            changed(PAUSED, {"/spec/replicas": 1})], look=("/spec",), stored=("/spec/replicas",)),
    "patch of the scale's name": Case(
        "PATCH", "deployments", {"metadata": {"name": "another"}}, NAMED + "/scale", content_type=MERGE,
        given=[PAUSED]),
    "patch of the scale of an old version": Case(
        "PATCH", "deployments", {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 1}}, NAMED + "/scale",
        content_type=MERGE, given=[PAUSED]),
    "patch of the scale of another uid": Case(
        "PATCH", "deployments", {"metadata": {"uid": "x"}, "spec": {"replicas": 1}}, NAMED + "/scale",
        content_type=MERGE, given=[PAUSED]),
    "patch of an unknown member of the scale": Case(
        "PATCH", "deployments", {"spec": {"nonsense": 1}}, NAMED + "/scale", content_type=MERGE, given=[PAUSED],
        kubesim=REFUSED),
    "patch of the scale of what is not there": Case(
        "PATCH", "deployments", {"spec": {"replicas": 1}}, NAMED + "/scale", content_type=MERGE, look=("/details",)),
    "put of the scale": Case(
        "PUT", "deployments", SCALE, NAMED + "/scale", given=[PAUSED], look=("/spec", "/metadata/name"),
        stored=("/spec/replicas", "/metadata/generation")),
    "put of the scale of an old version": Case(
        "PUT", "deployments", changed(SCALE, {"/metadata/resourceVersion": "1"}), NAMED + "/scale", given=[PAUSED]),
    "put of the scale below 0": Case(
        "PUT", "deployments", changed(SCALE, {"/spec/replicas": -1}), NAMED + "/scale", given=[PAUSED]),
    "put of the scale without replicas": Case(
        "PUT", "deployments", changed(SCALE, {"/spec": GONE}), NAMED + "/scale", given=[
            changed(PAUSED, {"/spec/replicas": 1})], look=("/spec",), stored=("/spec/replicas",)),
    "put of the scale of another kind": Case(
        "PUT", "deployments", changed(SCALE, {"/kind": "Deployment"}), NAMED + "/scale", given=[PAUSED]),
    "put of a deployment as its scale": Case("PUT", "deployments", DEPLOYMENT, NAMED + "/scale", given=[PAUSED]),
    "put of the scale of another name": Case(
        "PUT", "deployments", changed(SCALE, {"/metadata/name": "another"}), NAMED + "/scale", given=[PAUSED]),
    "put of the scale without name": Case(
        "PUT", "deployments", changed(SCALE, {"/metadata/name": GONE}), NAMED + "/scale", given=[PAUSED]),
    "create of a scale": Case("POST", "deployments", SCALE, NAMED + "/scale", given=[PAUSED]),

    # a StatefulSet's life
    "second create of a statefulset": Case("POST", "statefulsets", STATEFULSET, given=[STATEFULSET]),
    "deployment beside a statefulset of the name": Case("POST", "deployments", DEPLOYMENT, given=[STATEFULSET]),
    "statefulset for a trial": Case("POST", "statefulsets", STATEFULSET, query="dryRun=All", stored=("/reason",)),
    "get of a statefulset": Case("GET", "statefulsets", tail=NAMED, given=[STATEFULSET], look=SET),
    "put of a statefulset of an old version": Case(
        "PUT", "statefulsets", changed(STATEFULSET, {"/metadata/resourceVersion": "1"}), NAMED, given=[STATEFULSET]),
    "get of a statefulset's scale": Case(
        "GET", "statefulsets", tail=NAMED + "/scale", given=[STATEFULSET],
        look=("/kind", "/apiVersion", "/metadata/uid", "/spec", "/status/selector")),
    "patch of a statefulset's scale": Case(
        "PATCH", "statefulsets", {"spec": {"replicas": 2}}, NAMED + "/scale", content_type=MERGE, given=[STATEFULSET],
        look=("/kind", "/spec"), stored=("/spec/replicas", "/metadata/generation")),
    "delete of a statefulset as we send it": Case(
        "DELETE", "statefulsets", {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
                                   "preconditions": {"uid": "UID"}}, NAMED, given=[STATEFULSET], look=DELETED),
    "delete of a statefulset of another uid": Case(
        "DELETE", "statefulsets", {"preconditions": {"uid": "another"}}, NAMED, given=[STATEFULSET]),
    "headless service as we send it": Case("POST", "services", HEADLESS, look=SERVED + ("/spec/publishNotReadyAddresses",)),
    "headless service that publishes a text": Case(
        "POST", "services", changed(HEADLESS, {"/spec/publishNotReadyAddresses": "yes"})),
    "headless service that gets an address": Case(
        "PATCH", "services", {"spec": {"clusterIP": "10.96.0.7"}}, NAMED, content_type=MERGE, given=[HEADLESS]),
    "headless service that gets ports": Case(
        "PATCH", "services", {"spec": {"ports": [{"port": 80}]}}, NAMED, content_type=MERGE, given=[HEADLESS],
        look=("/spec/ports", "/spec/clusterIP")),
    "create of a revision of others": Case(
        "POST", "controllerrevisions", {"apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": 1,
                                        "metadata": {"name": "NAME"}, "data": {}}, kubesim=REFUSED),
    "revision of a new statefulset": Case("POST", "statefulsets", STATEFULSET, after=SET_REVISIONS),
    "revision of a statefulset after a new image": Case(
        "PATCH", "statefulsets", {**of_container(image="web:2"), "metadata": {"annotations": {"dcm.project/spec": "{2}"}}},
        NAMED, content_type=MERGE, given=[STATEFULSET, ("SETTLE", None)], after=SET_REVISIONS),
    "revision of a statefulset after new annotations": Case(
        "PATCH", "statefulsets", {"metadata": {"annotations": {"dcm.project/spec": "{2}"}}}, NAMED, content_type=MERGE,
        given=[STATEFULSET, ("SETTLE", None)], after=SET_REVISIONS),
    "revision of a statefulset after the image of before": Case(
        "PATCH", "statefulsets", {**of_container(image=CONTAINER["image"]),
                                  "metadata": {"annotations": {"dcm.project/spec": "{3}"}}}, NAMED, content_type=MERGE,
        given=[STATEFULSET, ("SETTLE", None), ("PATCH", of_container(image="web:2")), ("SETTLE", None)],
        after=SET_REVISIONS),

    # a Deployment's ReplicaSets and revisions
    "revision of a new deployment": Case("POST", "deployments", DEPLOYMENT, after=REVISIONS),
    "revision after a new image": Case(
        "PATCH", "deployments", of_container(image="web:2"), NAMED, content_type=MERGE,
        given=[DEPLOYMENT, ("SETTLE", None)], after=REVISIONS),
    "revision after another minReadySeconds": Case(
        "PATCH", "deployments", {"spec": {"minReadySeconds": 1}}, NAMED, content_type=MERGE,
        given=[DEPLOYMENT, ("SETTLE", None)], after=REVISIONS),
    "revision after the image of before": Case(
        "PATCH", "deployments", of_container(image=CONTAINER["image"]), NAMED, content_type=MERGE,
        given=[DEPLOYMENT, ("SETTLE", None), ("PATCH", of_container(image="web:2")), ("SETTLE", None)],
        after=REVISIONS + (("replicasets", (HISTORY,)),)),
    "annotations of a new deployment's ReplicaSet": Case("POST", "deployments", DEPLOYMENT, after=ANNOTATIONS),
    "annotations of a ReplicaSet after new ones": Case(
        "PATCH", "deployments", {"metadata": {"annotations": {"dcm.project/spec": "{1}", "new": "one"}}}, NAMED,
        content_type=MERGE, given=[DEPLOYMENT, ("SETTLE", None)], after=ANNOTATIONS),
    "annotations of ReplicaSets after a new image": Case(
        "PATCH", "deployments", {**of_container(image="web:2"), "metadata": {"annotations": {
            "dcm.project/spec": "{2}", "dcm.project/creation-token": None}}}, NAMED,
        content_type=MERGE, given=[DEPLOYMENT, ("SETTLE", None)], after=ANNOTATIONS),
    "revision after another order in the template": Case(
        "PATCH", "deployments", of_container(env=list(CONTAINER["env"]), name=CONTAINER["name"]), NAMED,
        content_type=MERGE, given=[DEPLOYMENT, ("SETTLE", None)], after=REVISIONS),
}


def _table():
    cases = {}

    def add(name, case):
        assert name not in cases, name
        cases[name] = case

    for name, changes in DEPLOYMENTS.items():
        add(name, Case("POST", "deployments", changed(DEPLOYMENT, changes), look=DEPLOYED,
                       kubesim=REFUSED if name in DEPLOYMENTS_REFUSED else 0))
    for name, changes in SERVICES.items():
        add(name, Case("POST", "services", changed(ALONE, changes), look=SERVED,
                       kubesim=REFUSED if name in SERVICES_REFUSED else OLDER_SERVICES.get(name, 0)))
    for name, changes in PODS.items():
        add(name, Case("POST", "pods", changed(POD, changes), look=("/metadata/generation",) + tuple(
            "/spec" + member for member in POD_SPEC), kubesim=REFUSED if name in PODS_REFUSED else 0))
    for name, changes in REPLICASETS.items():
        add(name, Case("POST", "replicasets", changed(REPLICASET, changes), look=("/spec/replicas", "/spec/selector")))
    for name, changes in STATEFULSETS.items():
        add(name, Case("POST", "statefulsets", changed(STATEFULSET, changes), look=SET + ("/status",),
                       kubesim=REFUSED if name in STATEFULSETS_REFUSED else 0))
    for name, changes in AUTOSCALERS.items():
        add(name, Case("POST", "horizontalpodautoscalers", changed(AUTOSCALER, changes),
                       look=METADATA + ("/apiVersion", "/kind", "/spec"),
                       kubesim=REFUSED if name in AUTOSCALERS_REFUSED else 0))
    for name, patch in STATEFULSET_MERGES.items():
        add(name, Case("PATCH", "statefulsets", patch, NAMED, content_type=MERGE, given=[STATEFULSET], look=SET))
    for name, patch in DEPLOYMENT_MERGES.items():
        add(name, Case("PATCH", "deployments", patch, NAMED, content_type=MERGE, given=[PAUSED],
                       look=CHANGED_DEPLOYMENT, kubesim=REFUSED if name in DEPLOYMENT_MERGES_REFUSED else 0))
    for name, patch in SERVICE_MERGES.items():
        add(name, Case("PATCH", "services", patch, NAMED, content_type=MERGE, given=[ALONE], look=CHANGED_SERVICE))
    for name, patch in STRATEGIC_PATCHES.items():
        add(name, Case("PATCH", "deployments", patch, NAMED, content_type=STRATEGIC, given=[PAUSED],
                       look=CHANGED_DEPLOYMENT, kubesim=REFUSED if name in STRATEGIC_REFUSED else 0))
    for name, changes in SERVICE_PUTS.items():
        add(name, Case("PUT", "services", changed(ALONE, changes), NAMED, given=[ALONE], look=CHANGED_SERVICE))
    for name, changes in DEPLOYMENT_PUTS.items():
        add(name, Case("PUT", "deployments", changed(PAUSED, changes), NAMED, given=[PAUSED], look=CHANGED_DEPLOYMENT,
                       kubesim=REFUSED if name in DEPLOYMENT_PUTS_REFUSED else 0))
    for name, patch in POD_MERGES.items():
        add(name, Case("PATCH", "pods", patch, NAMED, content_type=MERGE, given=[POD], look=("/spec/containers",)))
    for name, case in OTHERS.items():
        add(name, case)
    return cases


CASES = _table()

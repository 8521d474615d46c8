#!/usr/bin/env bash
# Tests deploy/kubernetes on a real control plane: its API server accepts every object unchanged, all Pods are admitted
# and scheduled, and the ServiceAccount has exactly the rights of the Role.
#
#   kubernetes.sh [DIR]    DIR: of tests/cluster/start.sh; without it one is started, and stopped at the end.
#                          A separate namespace is created and deleted in it
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
namespace=dcm-sp-deploy-$$
tree=$(mktemp -d)
cluster=${1:-$tree/cluster}
export KUBECONFIG=$cluster/admin.kubeconfig
kubectl=$cluster/bin/kubectl

finish() {
    "$kubectl" delete namespace "$namespace" "$namespace-containers" --ignore-not-found --wait=false >/dev/null || true
    [ "$cluster" != "$tree/cluster" ] || "$root/tests/cluster/stop.sh" "$cluster" >/dev/null
    rm -rf "$tree"
}
trap finish EXIT
[ $# -gt 0 ] || "$root/tests/cluster/start.sh" "$cluster" >/dev/null

die() { echo "kubernetes.sh: $*" >&2; exit 1; }

"$kubectl" create namespace "$namespace" >/dev/null
cp -r "$root/deploy/kubernetes" "$tree/kubernetes"
for part in base overlays/nats-cluster overlays/secured; do
    # The same in our namespace, changed as for an installation.
    mkdir -p "$tree/ours/$part"
    cat >"$tree/ours/$part/kustomization.yaml" <<YAML
namespace: $namespace
resources: [$(realpath --relative-to="$tree/ours/$part" "$tree/kubernetes/$part")]
YAML
    said=$("$kubectl" apply --dry-run=server --validate=strict -k "$tree/ours/$part" 2>&1) || die "$part: $said"
    ! grep -i warning <<<"$said" || die "$part: the API server warns"
done

"$kubectl" apply -k "$tree/ours/overlays/nats-cluster" >/dev/null
for workload in deployment/{api-svc,kube-worker,monitor,registrar}; do
    "$kubectl" -n "$namespace" rollout status "$workload" --timeout=60s || die "$workload: its Pods do not come up"
done
# Without volumes, only the admission of the NATS servers can be tested.
for _ in {1..100}; do
    made=$("$kubectl" -n "$namespace" get pods -l app.kubernetes.io/name=nats -o name | wc -l)
    [ "$made" -lt 3 ] || break
    sleep 0.2
done
[ "$made" -eq 3 ] || die "$made NATS servers instead of 3: $("$kubectl" -n "$namespace" describe statefulset nats)"

may() { "$kubectl" auth can-i "$@" --as="system:serviceaccount:$namespace:$account" >/dev/null 2>&1; }
for workload in kube-worker monitor; do
    # The account of its Pods: the API server of the tests does not check that it exists.
    account=$("$kubectl" -n "$namespace" get deployment "$workload" -o 'jsonpath={.spec.template.spec.serviceAccountName}')
    for right in "create deployments.apps" "create statefulsets.apps" "list controllerrevisions.apps" "delete services" "watch pods"; do
        # shellcheck disable=SC2086  # verb and resource
        may $right -n "$namespace" || die "$workload, as '$account', may not $right"
    done
    for wrong in "get secrets" "update replicasets.apps" "update controllerrevisions.apps" "create pods" "get pods --subresource=exec" "create pods --subresource=exec"; do
        # shellcheck disable=SC2086
        ! may $wrong -n "$namespace" || die "$workload, as '$account', may $wrong"
    done
    ! may create deployments.apps -n default || die "$workload may create Deployments in another namespace"
done

# Commands in containers: a component adds the two verbs, and enables them.
mkdir -p "$tree/ours/exec"
cat >"$tree/ours/exec/kustomization.yaml" <<YAML
namespace: $namespace
resources: [../../kubernetes/base]
components: [../../kubernetes/components/exec]
YAML
said=$("$kubectl" apply --validate=strict -k "$tree/ours/exec" 2>&1) || die "components/exec: $said"
! grep -i warning <<<"$said" || die "components/exec: the API server warns"
account=$("$kubectl" -n "$namespace" get deployment kube-worker -o 'jsonpath={.spec.template.spec.serviceAccountName}')
for right in get create; do
    may "$right" pods --subresource=exec -n "$namespace" || die "components/exec: the worker may not $right pods/exec"
done
! may delete pods -n "$namespace" || die "components/exec: the worker may delete Pods"
! may create pods --subresource=exec -n default || die "components/exec: the worker may run commands in another namespace"
config=$("$kubectl" -n "$namespace" get deployment api-svc -o 'jsonpath={.spec.template.spec.containers[0].envFrom[0].configMapRef.name}')
[ "$("$kubectl" -n "$namespace" get configmap "$config" -o 'jsonpath={.data.SP_EXEC}')" = true ] ||
    die "components/exec: api-svc does not hear of it"

# The overlay with two namespaces has fixed names, so they are changed in a copy.
"$kubectl" create namespace "$namespace-containers" >/dev/null
grep -rlE 'dcm-containers|namespace: dcm-sp$' "$tree/kubernetes" |
    xargs sed -i -E -e "s/(namespace: |value: )dcm-sp(}?)$/\\1$namespace\\2/" -e "s/dcm-containers/$namespace-containers/"
said=$("$kubectl" apply -k "$tree/kubernetes/overlays/two-namespaces" 2>&1) || die "two-namespaces: $said"
"$kubectl" -n "$namespace" delete role,rolebinding --all >/dev/null # those of the base, from above
account=$("$kubectl" -n "$namespace" get deployment kube-worker -o 'jsonpath={.spec.template.spec.serviceAccountName}')
may create deployments.apps -n "$namespace-containers" || die "two-namespaces: the worker may not create Deployments"
! may create deployments.apps -n "$namespace" || die "two-namespaces: the worker may create Deployments beside itself"

echo "kubernetes: base and overlays accepted, Pods placed, rights as the Role says"

#!/bin/sh
# Creates another namespace for a provider in a running cluster: an account with exactly our Roles, and its kubeconfig.
#
#   tests/cluster/tenant.sh DIR NAMESPACE      writes DIR/NAMESPACE.kubeconfig and prints its path
set -eu
# shellcheck source=tests/cluster/lib.sh
. "$(dirname -- "$0")/lib.sh"
use_dir "$1"
NAMESPACE=$2
ROLES=$HERE/../../deploy/kubernetes

admin apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Namespace
metadata: {name: "$NAMESPACE"}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: dcm-sp, namespace: "$NAMESPACE"}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: dcm-k8s-container-sp, namespace: "$NAMESPACE"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: dcm-k8s-container-sp}
subjects: [{kind: ServiceAccount, name: dcm-sp, namespace: "$NAMESPACE"}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: dcm-k8s-container-sp-exec, namespace: "$NAMESPACE"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: dcm-k8s-container-sp-exec}
subjects: [{kind: ServiceAccount, name: dcm-sp, namespace: "$NAMESPACE"}]
YAML
admin -n "$NAMESPACE" apply -f "$ROLES/base/role.yaml" -f "$ROLES/components/exec/role.yaml" >/dev/null
file=$DIR/$NAMESPACE.kubeconfig
umask 077
cat >"$file.new" <<YAML
apiVersion: v1
kind: Config
current-context: test
clusters:
- name: test
  cluster:
    server: https://127.0.0.1:$(cat "$PORT_FILE")
    certificate-authority-data: $(base64 -w 0 "$DIR/pki/ca.crt")
contexts:
- name: test
  context: {cluster: test, user: me, namespace: "$NAMESPACE"}
users:
- name: me
  user:
    token: $(admin -n "$NAMESPACE" create token dcm-sp --duration=8760h)
YAML
mv "$file.new" "$file"
echo "$file"

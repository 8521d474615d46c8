"""The client against the table of kubeconfigs, which is also used for kubectl (test_kubeconfigs_cluster.py)."""

import pytest

from kube_peers import ApiServer
from kubeconfigs import OTHER, PLAIN, SHAPES, TLS, expected, seen


@pytest.fixture(scope="module")
def servers(certificates):
    servers = {TLS: ApiServer(certificates), OTHER: ApiServer(certificates), PLAIN: ApiServer(None)}
    yield servers
    for server in servers.values():
        server.close()


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_each_kubeconfig_has_the_expected_result(probe, servers, certificates, tmp_path, shape):
    for server in servers.values():
        server.seen.clear()
    one = probe(shape.write(tmp_path, servers, certificates))
    answer = one.get("/version") if one.first.startswith("OK") else one.first
    assert seen(servers) == expected(shape), answer

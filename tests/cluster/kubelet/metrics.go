package main

import (
	"encoding/json"
	"hash/fnv"
	"net/http"
	"strconv"
	"time"
)

const (
	measuredAfter = time.Second // from a Pod's creation
	window        = 15 * time.Second
)

type object = map[string]any

func answer(w http.ResponseWriter, value object) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(value)
}

func metricsResources(w http.ResponseWriter, _ *http.Request) {
	answer(w, object{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "metrics.k8s.io/v1beta1",
		"resources": []object{{"name": "pods", "singularName": "", "namespaced": true, "kind": "PodMetrics",
			"verbs": []string{"get", "list"}}}})
}

// metrics of the Pods that run, in metrics-server's form; the figures are made up from their names.
func (n *Node) metrics(w http.ResponseWriter, r *http.Request) {
	pods, err := n.cluster.pods(r.PathValue("namespace"), r.URL.Query().Get("labelSelector"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	items := []object{}
	for _, pod := range pods {
		if pod.Status.Phase == "Running" && time.Since(pod.Metadata.CreationTimestamp) > measuredAfter {
			items = append(items, measure(&pod))
		}
	}
	answer(w, object{"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": object{}, "items": items})
}

func measure(pod *Pod) object {
	containers := []object{}
	for _, c := range pod.Spec.Containers {
		hash := fnv.New64a()
		hash.Write([]byte(pod.Metadata.Name + "/" + c.Name))
		figure := hash.Sum64()
		containers = append(containers, object{"name": c.Name, "usage": object{
			"cpu":    strconv.FormatUint(1000000+figure%50000000, 10) + "n",
			"memory": strconv.FormatUint(1024+figure%65536, 10) + "Ki"}})
	}
	return object{"metadata": object{"name": pod.Metadata.Name, "namespace": pod.Metadata.Namespace,
		"creationTimestamp": pod.Metadata.CreationTimestamp, "labels": pod.Metadata.Labels},
		"timestamp": time.Now().Truncate(window).UTC().Format(time.RFC3339), "window": window.String(),
		"containers": containers}
}

package main

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// The constant usage of each container of a Pod: labels set by a test. A Pod without them is not measured.
const (
	usageCores = "dcm-test/usage-cores"
	usageBytes = "dcm-test/usage-bytes"
)

// resource serves the metrics that metrics-server reads from a kubelet: seconds since the start, and bytes.
func (n *Node) resource(w http.ResponseWriter, _ *http.Request) {
	pods, err := n.cluster.pods("", usageCores+","+usageBytes)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	now := time.Now()
	for _, pod := range pods {
		cores, err := strconv.ParseFloat(pod.Metadata.Labels[usageCores], 64)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		for _, c := range pod.Status.ContainerStatuses {
			if c.State.Running == nil {
				continue
			}
			started := c.State.Running.StartedAt
			of := fmt.Sprintf("{container=%q,namespace=%q,pod=%q}", c.Name, pod.Metadata.Namespace, pod.Metadata.Name)
			fmt.Fprintf(w, "container_cpu_usage_seconds_total%s %f %d\n", of, cores*now.Sub(started).Seconds(), now.UnixMilli())
			fmt.Fprintf(w, "container_memory_working_set_bytes%s %s %d\n", of, pod.Metadata.Labels[usageBytes], now.UnixMilli())
			fmt.Fprintf(w, "container_start_time_seconds%s %d\n", of, started.Unix())
		}
	}
}

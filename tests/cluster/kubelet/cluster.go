package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Cluster is a client of the API server, as cluster admin.
type Cluster struct {
	server string
	client *http.Client
}

var errNotFound = errors.New("not found")

// State is how a container is, or was.
type State struct {
	Waiting    *struct{ Reason string }
	Running    *struct{ StartedAt time.Time }
	Terminated *struct{ ExitCode int }
}

// ContainerStatus is the status of a container of a Pod.
type ContainerStatus struct {
	Name         string
	RestartCount int
	State        State
	LastState    State
}

// Pod has the members of a Pod that are used here.
type Pod struct {
	Metadata struct {
		Name, Namespace   string
		UID               string
		Labels            map[string]string
		CreationTimestamp time.Time
		DeletionTimestamp *time.Time
	}
	Spec struct {
		Containers, InitContainers []struct{ Name string }
	}
	Status struct {
		Phase                                    string
		ContainerStatuses, InitContainerStatuses []ContainerStatus
	}
}

func (c *Cluster) get(path string, into any) error {
	answer, err := c.client.Get(c.server + path)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound {
		return errNotFound
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the API server answered %s", answer.Status)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

func (c *Cluster) pod(namespace, name string) (*Pod, error) {
	pod := &Pod{}
	return pod, c.get(fmt.Sprintf("/api/v1/namespaces/%s/pods/%s", url.PathEscape(namespace), url.PathEscape(name)), pod)
}

// pods of a namespace; "": of all.
func (c *Cluster) pods(namespace, selector string) ([]Pod, error) {
	list := struct{ Items []Pod }{}
	place := "/api/v1"
	if namespace != "" {
		place += "/namespaces/" + url.PathEscape(namespace)
	}
	err := c.get(place+"/pods?labelSelector="+url.QueryEscape(selector), &list)
	return list.Items, err
}

// status of a container; nil: none yet.
func (p *Pod) status(container string) *ContainerStatus {
	for _, statuses := range [][]ContainerStatus{p.Status.ContainerStatuses, p.Status.InitContainerStatuses} {
		for i := range statuses {
			if statuses[i].Name == container {
				return &statuses[i]
			}
		}
	}
	return nil
}

// has a container of that name?
func (p *Pod) has(container string) bool {
	for _, containers := range [][]struct{ Name string }{p.Spec.Containers, p.Spec.InitContainers} {
		for _, c := range containers {
			if c.Name == container {
				return true
			}
		}
	}
	return false
}

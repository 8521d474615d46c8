package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

const (
	tick       = 20 * time.Millisecond  // between two looks whether a file has grown
	podLook    = 200 * time.Millisecond // and whether its run is over
	timeFormat = "2006-01-02T15:04:05.000000000Z07:00"
)

// An error that is returned to the client of the API server.
type refusal struct{ text string }

func (r refusal) Error() string { return r.text }

// chooseRun says which run of a container is meant, by its number.
func chooseRun(pod *Pod, container string, previous bool) (int, error) {
	name := pod.Metadata.Name
	status := pod.status(container)
	switch {
	case status == nil && !pod.has(container):
		return 0, refusal{fmt.Sprintf("container %q not found in pod %q", container, name)}
	case status == nil:
		return 0, refusal{fmt.Sprintf("container %q in pod %q is not available", container, name)}
	case previous && status.LastState.Terminated == nil:
		return 0, refusal{fmt.Sprintf("previous terminated container %q in pod %q not found", container, name)}
	case previous && status.State.Waiting == nil:
		return status.RestartCount - 1, nil
	case status.State.Waiting != nil && status.LastState.Terminated == nil:
		reason := status.State.Waiting.Reason
		if reason == "ImagePullBackOff" {
			reason = "trying and failing to pull image"
		}
		return 0, refusal{fmt.Sprintf("container %q in pod %q is waiting to start: %s", container, name, reason)}
	}
	return status.RestartCount, nil
}

// options of a request, as the API server passes them on.
type options struct {
	follow, previous, timestamps bool
	tail, limit                  int64 // -1: all
	since                        time.Time
}

func readOptions(q url.Values) (options, error) {
	o := options{follow: q.Get("follow") == "true", previous: q.Get("previous") == "true",
		timestamps: q.Get("timestamps") == "true", tail: -1, limit: -1}
	numbers := map[string]func(int64){
		"tailLines":    func(n int64) { o.tail = n },
		"limitBytes":   func(n int64) { o.limit = n },
		"sinceSeconds": func(n int64) { o.since = time.Now().Add(-time.Duration(n) * time.Second) },
	}
	for key, set := range numbers {
		if text := q.Get(key); text != "" {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return o, err
			}
			set(n)
		}
	}
	if text := q.Get("sinceTime"); text != "" {
		since, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return o, err
		}
		o.since = since
	}
	return o, nil
}

func (n *Node) logs(w http.ResponseWriter, r *http.Request) {
	namespace, name, container := r.PathValue("namespace"), r.PathValue("pod"), r.PathValue("container")
	pod, err := n.cluster.pod(namespace, name)
	if err != nil {
		status := http.StatusInternalServerError
		if errors.Is(err, errNotFound) {
			status = http.StatusNotFound
		}
		http.Error(w, fmt.Sprintf("pod %q: %v", name, err), status)
		return
	}
	o, err := readOptions(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	run, err := chooseRun(pod, container, o.previous)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	reader := &reader{node: n, request: r, pod: pod, container: container, run: run, options: o, out: w}
	w.Header().Set("Transfer-Encoding", "chunked")
	w.WriteHeader(http.StatusOK)
	http.NewResponseController(w).Flush()
	reader.copy()
}

// folder of the logs of a container and the files of its commands, for this Pod only: a later Pod may have its name.
func (n *Node) folder(pod *Pod, container string) string {
	return filepath.Join(n.containers, pod.Metadata.UID, container)
}

// reader of the log of one run.
type reader struct {
	node      *Node
	request   *http.Request
	pod       *Pod
	container string
	run       int
	options   options
	out       io.Writer
	looked    time.Time
	rest      []byte // of a line that is not complete
}

func (r *reader) path() string {
	return filepath.Join(r.node.folder(r.pod, r.container), strconv.Itoa(r.run)+".log")
}

// goesOn reports whether the run continues.
func (r *reader) goesOn() bool {
	if time.Since(r.looked) < podLook {
		return true
	}
	r.looked = time.Now()
	pod, err := r.node.cluster.pod(r.pod.Metadata.Namespace, r.pod.Metadata.Name)
	if errors.Is(err, errNotFound) || (err == nil && pod.Metadata.UID != r.pod.Metadata.UID) {
		return false
	}
	if err != nil {
		return true // not known: the API server is away
	}
	status := pod.status(r.container)
	return status != nil && status.State.Running != nil && status.RestartCount == r.run
}

// copy the existing lines and, if followed, new ones until the run ends.
func (r *reader) copy() {
	file, err := r.open()
	if err != nil {
		return // no output
	}
	defer file.Close()
	if r.options.tail >= 0 {
		skipToTail(file, r.options.tail)
	}
	block := make([]byte, 64<<10)
	over := !r.options.follow
	for {
		count, err := file.Read(block)
		if count > 0 && !r.tell(block[:count]) {
			return
		}
		if err == nil {
			continue
		}
		http.NewResponseController(r.out.(http.ResponseWriter)).Flush()
		if over || !r.wait() {
			return
		}
		over = !r.goesOn()
	}
}

// open the file, if it exists; a followed one may be created later.
func (r *reader) open() (*os.File, error) {
	for {
		file, err := os.Open(r.path())
		if err == nil || !r.options.follow || !r.wait() || !r.goesOn() {
			return file, err
		}
	}
}

func (r *reader) wait() bool {
	select {
	case <-r.request.Context().Done():
		return false
	case <-time.After(tick):
		return true
	}
}

// skipToTail seeks to the last lines of a file.
func skipToTail(file *os.File, lines int64) {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil || lines == 0 {
		return
	}
	block := make([]byte, 64<<10)
	for at := size; at > 0; {
		count := min(at, int64(len(block)))
		at -= count
		if _, err := file.ReadAt(block[:count], at); err != nil {
			break
		}
		for i := count - 1; i >= 0; i-- {
			if block[i] != '\n' || at+i == size-1 {
				continue
			}
			if lines--; lines == 0 {
				file.Seek(at+i+1, io.SeekStart)
				return
			}
		}
	}
	file.Seek(0, io.SeekStart)
}

// tell writes its complete lines, which have the form "TIME stdout|stderr F|P text". False: done.
func (r *reader) tell(data []byte) bool {
	r.rest = append(r.rest, data...)
	var out bytes.Buffer
	for {
		end := bytes.IndexByte(r.rest, '\n')
		if end < 0 {
			break
		}
		r.tellLine(r.rest[:end], &out)
		r.rest = r.rest[end+1:]
	}
	told := out.Bytes()
	if r.options.limit >= 0 && int64(len(told)) > r.options.limit {
		told = told[:r.options.limit]
	}
	if _, err := r.out.Write(told); err != nil {
		return false
	}
	if r.options.limit >= 0 {
		r.options.limit -= int64(len(told))
	}
	return r.options.limit != 0
}

func (r *reader) tellLine(line []byte, out *bytes.Buffer) {
	parts := bytes.SplitN(line, []byte(" "), 4)
	if len(parts) < 4 {
		return
	}
	said, err := time.Parse(time.RFC3339Nano, string(parts[0]))
	if err != nil || said.Before(r.options.since) {
		return
	}
	if r.options.timestamps {
		out.WriteString(said.Format(timeFormat) + " ")
	}
	out.Write(parts[3])
	if string(parts[2]) == "F" {
		out.WriteByte('\n')
	}
}

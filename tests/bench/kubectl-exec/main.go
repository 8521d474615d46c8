// Measures commands in containers with the client that is in `kubectl exec`, client-go's WebSocket executor, and prints
// the times in milliseconds as JSON. Our API and Kubernetes' take turns, so that both have the same machine.
//
//	kubectl-exec KUBECONFIG PATH OURS ROUNDS
//
// PATH: of the Pod's exec, with its query, but for the command; OURS: the URL of ours, the same.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/url"
	"os"
	"strconv"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/remotecommand"
)

type target struct {
	config *rest.Config
	url    string
}

type figures struct {
	Command   []float64 `json:"command"`
	RoundTrip []float64 `json:"round_trip"`
}

func ms(since time.Time) float64 { return float64(time.Since(since)) / float64(time.Millisecond) }

func (t target) executor(command string, stdin bool) remotecommand.Executor {
	query := fmt.Sprintf("&command=%s&stdin=%t&stdout=true", url.QueryEscape(command), stdin)
	executor, err := remotecommand.NewWebSocketExecutor(t.config, "GET", t.url+query)
	if err != nil {
		log.Fatal(err)
	}
	return executor
}

// A command from the connection to its exit code.
func (t target) command() float64 {
	began := time.Now()
	executor := t.executor("true", false)
	if err := executor.StreamWithContext(context.Background(), remotecommand.StreamOptions{Stdout: io.Discard}); err != nil {
		log.Fatalf("%s: %v", t.url, err)
	}
	return ms(began)
}

type session struct {
	in  io.Writer
	out *bufio.Reader
}

func (t target) open() session {
	inReader, in := io.Pipe()
	outReader, out := io.Pipe()
	go func() {
		err := t.executor("cat", true).StreamWithContext(context.Background(),
			remotecommand.StreamOptions{Stdin: inReader, Stdout: out})
		log.Fatalf("%s: the session ended: %v", t.url, err)
	}()
	return session{in, bufio.NewReader(outReader)}
}

// A line there and back.
func (s session) echo() float64 {
	began := time.Now()
	if _, err := io.WriteString(s.in, "line\n"); err != nil {
		log.Fatal(err)
	}
	if _, err := s.out.ReadString('\n'); err != nil {
		log.Fatal(err)
	}
	return ms(began)
}

func main() {
	if len(os.Args) != 5 {
		log.Fatal("usage: kubectl-exec KUBECONFIG PATH OURS ROUNDS")
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	rounds, err := strconv.Atoi(os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	targets := map[string]target{"ours": {&rest.Config{}, os.Args[3]}, "direct": {config, config.Host + os.Args[2]}}
	sessions, found := map[string]session{}, map[string]*figures{}
	for name, t := range targets {
		sessions[name], found[name] = t.open(), &figures{}
		sessions[name].echo() // it is open now
	}
	for range rounds {
		for name, t := range targets {
			found[name].Command = append(found[name].Command, t.command())
		}
	}
	for range rounds {
		for name, s := range sessions {
			found[name].RoundTrip = append(found[name].RoundTrip, s.echo())
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		log.Fatal(err)
	}
}

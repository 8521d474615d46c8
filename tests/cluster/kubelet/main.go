// A simulated kubelet, for tests on a control plane whose Pods never run: the requests of the API server. Commands
// run on this machine (exec.go): for tests only.
//
//	kubelet -port-file FILE -pki DIR -server https://127.0.0.1:PORT -containers DIR
//
// It also answers the real metrics-server (resource.go), or stands in for it (metrics.go), for the API server's aggregation
// layer.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Node is the state used for responses.
type Node struct {
	cluster    Cluster
	containers string // the folder of logs: UID-OF-POD/CONTAINER/RUN.log
}

func main() {
	portFile := flag.String("port-file", "", "where its port is kept; one that is there is used again")
	pki := flag.String("pki", "", "folder of ca.crt, apiserver.crt, admin.crt and their keys")
	server := flag.String("server", "", "the API server's URL")
	containers := flag.String("containers", "", "folder of what containers say")
	flag.Parse()

	authorities := x509.NewCertPool()
	ca, err := os.ReadFile(filepath.Join(*pki, "ca.crt"))
	if err != nil || !authorities.AppendCertsFromPEM(ca) {
		log.Fatalf("ca.crt: %v", err)
	}
	admin, err := tls.LoadX509KeyPair(filepath.Join(*pki, "admin.crt"), filepath.Join(*pki, "admin.key"))
	if err != nil {
		log.Fatal(err)
	}
	node := &Node{
		cluster: Cluster{*server, &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{RootCAs: authorities, Certificates: []tls.Certificate{admin}},
			MaxIdleConnsPerHost: 100,
		}}},
		containers: *containers,
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", ofAuthority(node.logs))
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", ofAuthority(node.exec))
	mux.HandleFunc("GET /metrics/resource", ofAuthority(node.resource))
	mux.HandleFunc("GET /apis/metrics.k8s.io/v1beta1", metricsResources)
	mux.HandleFunc("GET /apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods", node.metrics)
	listener := listen(*portFile)
	httpServer := &http.Server{Handler: mux, TLSConfig: &tls.Config{
		ClientCAs: authorities, ClientAuth: tls.VerifyClientCertIfGiven, NextProtos: []string{"http/1.1"}},
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}} // exec takes connections over
	log.Fatal(httpServer.ServeTLS(listener, filepath.Join(*pki, "apiserver.crt"), filepath.Join(*pki, "apiserver.key")))
}

// listen on the port in the file, or on any, which is then written there.
func listen(portFile string) net.Listener {
	port, _ := os.ReadFile(portFile)
	listener, err := net.Listen("tcp", "127.0.0.1:"+strings.TrimSpace(string(port)))
	if err != nil {
		log.Fatal(err)
	}
	text := fmt.Sprintln(listener.Addr().(*net.TCPAddr).Port)
	if err := os.WriteFile(portFile+".new", []byte(text), 0o600); err != nil {
		log.Fatal(err)
	}
	if err := os.Rename(portFile+".new", portFile); err != nil {
		log.Fatal(err)
	}
	return listener
}

// ofAuthority accepts only clients with a certificate of the cluster's authority, such as the API server.
func ofAuthority(handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) == 0 {
			http.Error(w, "a client certificate is needed", http.StatusUnauthorized)
			return
		}
		handle(w, r)
	}
}

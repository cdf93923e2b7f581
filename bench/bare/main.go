// Command bare is the unit of the benchmark: a net/http server that answers every request with 200 and an empty body.
// What Jeton reaches is told as a ratio to it, because the same machine gives twice as much in one hour as in another.
//
// It prints the address that it listens on, which is always loopback, and serves until it is killed.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "bare:", err)
		os.Exit(1)
	}
	fmt.Println(l.Addr())
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }),
		ReadHeaderTimeout: 5 * time.Second,
	}
	fmt.Fprintln(os.Stderr, "bare:", server.Serve(l))
	os.Exit(1)
}

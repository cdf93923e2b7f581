package main

import (
	"bufio"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestPassing sends bodies to what answers as the API does, and to what loses a byte of them.
func TestPassing(t *testing.T) {
	const size = 3 << 20
	lost := int64(0)
	address := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != proxiedHost || r.URL.Path != proxiedCall || r.Header.Get("Authorization") != "Bearer jtpx" {
			t.Errorf("got %s %s%s by %q", r.Method, r.Host, r.URL, r.Header.Get("Authorization"))
		}
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.Method == http.MethodPut {
			_, _ = io.WriteString(w, `{"caller":"","sent":`+thousandless(n-lost)+`}`)
			return
		}
		_, _ = io.CopyN(w, nulls{}, size-lost)
	}))
	p := &passing{address: address, token: "jtpx"}
	for range 2 {
		up, down := p.upload(t.Context(), size), p.download(t.Context(), size)
		if (up != nil) != (lost > 0) || (down != nil) != (lost > 0) {
			t.Errorf("with %d bytes lost: got %v up, %v down", lost, up, down)
		}
		lost++
	}
}

func thousandless(n int64) string { return strings.ReplaceAll(thousands(float64(n)), ",", "") }

// TestPeak has a program take 64 MiB: the peak shows it.
func TestPeak(t *testing.T) {
	const taken = 64 << 20
	p, err := start(t.Context(), "dd", func(*exec.Cmd) {}, []string{"dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "status=none"})
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; {
		most, err := p.peak()
		if err == nil && most >= taken {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("got %d bytes at most, %v, want %d", most, err, taken)
		}
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
}

// TestCall shows that what both proxies get is one whole call.
func TestCall(t *testing.T) {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(call().with("jtpx"))))
	if err != nil || r.Host != proxiedHost || r.URL.Path != proxiedCall || r.Header.Get("Authorization") != "Bearer jtpx" {
		t.Errorf("got %+v, %v", r, err)
	}
}

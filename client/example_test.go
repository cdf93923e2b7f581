package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"golang.org/x/oauth2"

	"github.com/jeton-io/jeton/client"
)

// exampleServers stand in for a Jeton and for an API behind it.
func exampleServers() (jeton, api *httptest.Server) {
	jeton = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { granted(1, 300).write(w) }))
	api = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "called with "+r.Header.Get("Authorization"))
	}))
	return jeton, api
}

// A background program calls an API: each request has a token that is valid, and one that the API refuses is exchanged
// anew, once.
func ExampleTokenSource_Transport() {
	jeton, api := exampleServers()
	defer jeton.Close()
	defer api.Close()

	source, err := client.NewTokenSource(client.TokenSourceConfig{BaseURL: jeton.URL, APIToken: signedToken})
	if err != nil {
		fmt.Println(err)
		return
	}
	calls := &http.Client{Transport: source.Transport(nil)}

	res, err := calls.Get(api.URL + "/reports/7")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(res.Body)
	fmt.Println(string(text))
	// Output: called with Bearer access1
}

// What takes an oauth2.TokenSource, as many SDKs and gRPC do, takes this one. oauth2.NewClient keeps a token until shortly
// before its end, whatever an API says of it: Forget has no effect on that.
func ExampleNewTokenSource_oauth2() {
	jeton, api := exampleServers()
	defer jeton.Close()
	defer api.Close()

	source, err := client.NewTokenSource(client.TokenSourceConfig{BaseURL: jeton.URL, APIToken: signedToken})
	if err != nil {
		fmt.Println(err)
		return
	}
	calls := oauth2.NewClient(context.Background(), source)

	res, err := calls.Get(api.URL + "/reports/7")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(res.Body)
	fmt.Println(string(text))
	// Output: called with Bearer access1
}

// An API decides about its calls in its own process, as the gateway before it would.
func ExampleVerifier_Middleware() {
	c, err := client.New(client.Config{BaseURL: "https://tokens.example.com", Username: "reports-api", Password: "the client secret"})
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := client.NewVerifier(client.VerifierConfig{Client: c, Service: "reports"})
	if err != nil {
		log.Fatal(err)
	}
	defer verifier.Close()

	reports := http.NewServeMux()
	reports.HandleFunc("GET /reports/{id}", func(w http.ResponseWriter, r *http.Request) {
		caller, _ := client.PrincipalFromContext(r.Context())
		_, _ = fmt.Fprintf(w, "report %s for %s\n", r.PathValue("id"), caller.Username)
	})
	server := &http.Server{Addr: ":8443", Handler: verifier.Middleware(client.MiddlewareConfig{})(reports), ReadHeaderTimeout: time.Second}
	if err := server.ListenAndServe(); err != nil {
		log.Print(err)
	}
}

// What comes by a queue has a token, but neither a method nor a path.
func ExampleVerifier_Verify() {
	var verifier *client.Verifier // of NewVerifier, as above

	handle := func(ctx context.Context, token string) error {
		caller, err := verifier.Verify(ctx, token, "reports.read")
		switch {
		case errors.Is(err, client.ErrUnavailable):
			return err // nobody can say just now: let it come again
		case err != nil:
			return fmt.Errorf("dropping a message: %w", err)
		}
		fmt.Println(caller.Username)
		return nil
	}
	_ = handle
}

package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Where and how health asks, unless it is told.
const (
	healthURL     = "http://127.0.0.1:9090/readyz"
	healthTimeout = 3 * time.Second
	maxHealth     = 64 << 10 // bytes of an answer that are read
)

// errNotReady: the server answered that it can't decide just now.
var errNotReady = errors.New("not ready")

// health asks the admin listener how the server is. It is for those who start containers: an image that holds nothing but
// the binary has no other program to ask with.
func (p *program) health() *cobra.Command {
	var at string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a server whether it can decide about calls",
		Long: `Ask a server whether it can decide about calls, at its admin listener. The exit
code is 1 where it can't, or doesn't answer in time. No credential is needed.

With --url http://127.0.0.1:9090/livez the question is whether it lives: that
is what to ask before it is started anew, which brings no database back.`,
		Example: "  jeton health\n  jeton health --url http://127.0.0.1:9190/livez --timeout 1s",
	}
	cmd.Flags().StringVar(&at, "url", healthURL, "`URL` to ask")
	cmd.Flags().DurationVar(&timeout, "timeout", healthTimeout, "how long to wait for the answer")
	cmd.RunE = p.run(func(cmd *cobra.Command, _ []string) error {
		if u, err := url.Parse(at); err != nil || u.Scheme != "http" || u.Host == "" || u.User != nil {
			return &usageError{text: "--url is not of the form http://127.0.0.1:9090/readyz", fix: "The admin listener always speaks plain http."}
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
		defer cancel()
		said, err := askHealth(ctx, at)
		if err != nil {
			return &fault{err: err, fix: "Is Jeton running, with its --admin-listen there?"}
		}
		return p.showHealth(said)
	})
	return cmd
}

// healthAnswer is what /readyz, /healthz and /livez say.
type healthAnswer struct {
	Status   string
	Problems map[string]string // by part
	ready    bool
}

// askHealth asks once: whoever asks for health asks again by itself. No proxy stands between, whatever the environment
// says, and no redirect leads elsewhere.
func askHealth(ctx context.Context, at string) (healthAnswer, error) {
	var said healthAnswer
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return said, fmt.Errorf("asking for health: %w", err)
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return said, fmt.Errorf("no answer from %s: %w", at, err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxHealth))
	if err != nil {
		return said, fmt.Errorf("no whole answer from %s: %w", at, err)
	}
	if err := json.Unmarshal(text, &said); err != nil || said.Status == "" {
		return said, fmt.Errorf("what answers at %s, with status %d, is not Jeton's admin listener", at, res.StatusCode) //nolint:err113 // told to a person
	}
	said.ready = res.StatusCode == http.StatusOK
	return said, nil
}

// showHealth prints the answer, and returns an error that names each problem where the server isn't ready.
func (p *program) showHealth(said healthAnswer) error {
	if said.ready {
		return p.show(map[string]any{"status": said.Status}, func() { p.say("%s", said.Status) })
	}
	var problems []string
	for _, part := range slices.Sorted(maps.Keys(said.Problems)) {
		problems = append(problems, part+": "+said.Problems[part])
	}
	return fmt.Errorf("%w: %s", errNotReady, cmp.Or(strings.Join(problems, "; "), said.Status))
}

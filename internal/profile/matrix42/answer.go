package matrix42

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// answer is the product's answer to an exchange.
type answer struct {
	RawToken string `json:"RawToken"`
	LifeTime string `json:"LifeTime"` // when the token ends (ISO 8601), not for how long it lasts
}

// null is the product's answer to an API token that is good no longer, or never was.
const null = "null"

// challenge is the one scheme that this door takes (RFC 6750 section 3). The error code that the section recommends would
// tell a token that was looked at from none at all.
const challenge = `Bearer realm="jeton"`

// ServeHTTP implements http.Handler.
func (p *profile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		web.WriteProblem(w, r, api.NewProblem(api.CodeMethodNotAllowed, ""))
		return
	}
	issued, err := p.exchange(w, r)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	body, err := json.Marshal(answer{issued.Token.Reveal(), issued.ExpiresAt.UTC().Format(time.RFC3339)})
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	write(w, http.StatusOK, body)
}

// refuse answers a caller that gets no token. What is no verdict on its credential it hears in the words of /v1, and with a
// status that the product's clients take for a fault of the moment.
func (p *profile) refuse(w http.ResponseWriter, r *http.Request, err error) {
	ref, ok := errors.AsType[*authority.Refusal](err)
	if !ok {
		web.WriteError(w, r, err)
		return
	}
	web.Note(w).Refused(ref)
	switch ref.Reason.Outcome() {
	case authority.OutcomeMalformed, authority.OutcomeTooMany, authority.OutcomeUnavailable:
		web.WriteProblem(w, r, web.ProblemOf(ref))
		return
	}
	if p.cfg.RefusalStatus == http.StatusUnauthorized {
		w.Header().Set("Www-Authenticate", challenge)
	}
	write(w, p.cfg.RefusalStatus, []byte(null))
}

// write answers as the product does. Neither a token nor its refusal is for anybody to keep.
func write(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the caller may have gone
}

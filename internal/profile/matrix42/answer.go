package matrix42

import (
	"errors"
	"net/http"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/web"
)

// appendAnswer adds the product's answer to an exchange to text: the token, and when it ends (ISO 8601), not for how long it lasts.
func appendAnswer(text []byte, issued *accesstoken.Issued) []byte {
	text = jose.AppendText(append(text, `{"RawToken":`...), issued.Token.Reveal())
	text = issued.ExpiresAt.UTC().AppendFormat(append(text, `,"LifeTime":"`...), time.RFC3339)
	return append(text, `"}`...)
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
	p.write(w, http.StatusOK, appendAnswer(make([]byte, 0, len(issued.Token.Reveal())+64), &issued))
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
	p.write(w, p.cfg.RefusalStatus, []byte(null))
}

// fixed is what all answers of the product have in common, as http.Header wants it. It is shared and never written.
type fixed struct{ noStore, json, noSniff []string }

func newFixed() fixed {
	return fixed{[]string{"no-store"}, []string{"application/json; charset=utf-8"}, []string{"nosniff"}}
}

// write answers as the product does. Neither a token nor its refusal is for anybody to keep.
func (p *profile) write(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Cache-Control"], h["Content-Type"], h["X-Content-Type-Options"] = p.fixed.noStore, p.fixed.json, p.fixed.noSniff
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // G705: it is JSON, and nothing takes it for a page; the caller may have gone
}

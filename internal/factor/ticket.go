package factor

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// purpose says what a ticket is for: it opens for nothing else.
type purpose string

const (
	forLogin         purpose = "second step of a log-in"
	forAuthenticator purpose = "new authenticator app"
	forPasskey       purpose = "new passkey"
)

const (
	// ticketLife is how long a person may take for a step.
	ticketLife = 10 * time.Minute
	// maxTicket bounds the text of a ticket, in bytes; those that are made have a quarter of it.
	maxTicket = 2048
	// challengeSize is that of the question put to a passkey, in bytes.
	challengeSize = 32
)

// ticket is what is known of a person between two steps. Nothing of it is kept here: the browser holds it, sealed.
type ticket struct {
	UserID    uuid.UUID
	Mark      string // of the user: see Records.mark
	Issued    int64  // microseconds since 1970
	Challenge []byte // put to a passkey; none where nobody asks for one
	Secret    string // of the authenticator app that is being set up, in Base32
}

func (t *ticket) issued() time.Time { return time.UnixMicro(t.Issued).UTC() }

// issue returns a ticket, from now on, as the text that a browser holds.
func (f *Factors) issue(p purpose, t ticket) (secret.Text, error) {
	t.Issued = f.cfg.Now().UnixMicro()
	content, err := json.Marshal(t) //nolint:gosec // G117: it is sealed before anybody sees it
	if err != nil {
		return "", fmt.Errorf("writing a ticket: %w", err)
	}
	sealed, err := f.cfg.Keyring.Seal(string(p), secret.Text(content))
	if err != nil {
		return "", fmt.Errorf("sealing a ticket: %w", err)
	}
	return secret.Text(base64.RawURLEncoding.EncodeToString(sealed)), nil
}

// open reads a ticket. The error is a *authority.Refusal: unknown_ticket where it is none of ours for that purpose, expired where its
// time is over.
func (f *Factors) open(p purpose, text secret.Text) (ticket, error) {
	var t ticket
	if len(text) > maxTicket {
		return t, &authority.Refusal{Reason: authority.ReasonUnknownTicket}
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text.Reveal())
	if err != nil || strings.ContainsAny(text.Reveal(), "\r\n") { // even Strict passes over line breaks
		return t, &authority.Refusal{Reason: authority.ReasonUnknownTicket}
	}
	content, err := f.cfg.Keyring.Unseal(string(p), sealed)
	if err != nil || json.Unmarshal([]byte(content.Reveal()), &t) != nil {
		return ticket{}, &authority.Refusal{Reason: authority.ReasonUnknownTicket}
	}
	now := f.cfg.Now()
	if age := now.Sub(t.issued()); age >= ticketLife || age < -authority.ClockSlack {
		return t, refused(authority.ReasonExpired, &t)
	}
	return t, nil
}

// refused returns a refusal of whoever a ticket is of.
func refused(reason authority.Reason, t *ticket) *authority.Refusal {
	return &authority.Refusal{Reason: reason, ID: t.UserID, UserID: t.UserID}
}

// openOwn reads the ticket of an owner who is logged in. Where it is another's or over, the error is a *authority.FieldError of ticket.
func (f *Factors) openOwn(p purpose, text secret.Text, owner *authority.Principal) (ticket, error) {
	t, err := f.open(p, text)
	if _, refused := errors.AsType[*authority.Refusal](err); refused || err == nil && t.UserID != owner.ID {
		return ticket{}, errOver()
	}
	return t, err
}

// errOver says that setting up a factor has to begin anew.
func errOver() error {
	return authority.Field("ticket", "is over, or was made for another user", "Begin anew.")
}

func (f *Factors) challenge() ([]byte, error) {
	c := make([]byte, challengeSize)
	if _, err := io.ReadFull(f.cfg.Random, c); err != nil {
		return nil, fmt.Errorf("reading randomness for a passkey's question: %w", err)
	}
	return c, nil
}

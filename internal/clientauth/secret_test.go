package clientauth_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/clientauth"
	"github.com/jeton-io/jeton/internal/secret"
)

// TestSecret: a secret counts for its own client's name, in whatever spelling of it.
func TestSecret(t *testing.T) {
	d := newDesk(t)
	text, s := d.secret(t)
	if !secret.Valid(text.Reveal(), secret.ClientSecret) || !d.RecognizesSecret(text.Reveal()) || d.Recognizes(text.Reveal()) {
		t.Error("got a secret of another form, or one that is taken for a bearer token")
	}
	other, err := d.accounts.Create(t.Context(), account.Draft{Username: "other", Kind: account.Service}, audit.Actor{})
	check(t, err)
	for _, test := range []struct {
		name string
		want authority.Reason
	}{
		{"Batch Job", ""},
		{"batch job", ""},
		{"BATCH JOB", ""},
		{"Batch%20Job", ""},
		{"batch+job", ""},
		{"", authority.ReasonUnknownUser},
		{"batch", authority.ReasonUnknownUser},
		{"other", authority.ReasonUnknownUser},
		{"batch%2", authority.ReasonUnknownUser},
		{d.user.ID.String(), authority.ReasonUnknownUser},
		{other.ID.String(), authority.ReasonUnknownUser},
	} {
		p := d.want(t, test.name, text, test.want)
		if test.want == "" && (p.ID != s.ID || p.UserID != d.user.ID || !p.Remember || p.Limits != nil || !p.NotAfter.IsZero()) {
			t.Errorf("%s: got the proof %+v", test.name, p)
		}
	}
}

// TestSecretRefusals: what is no secret of ours is refused, most of it without a look-up.
func TestSecretRefusals(t *testing.T) {
	d := newDesk(t)
	text, s := d.secret(t)
	d.want(t, "batch job", text[:len(text)-1]+"~", authority.ReasonBadChecksum)
	d.want(t, "batch job", text+"0", authority.ReasonBadChecksum)
	d.want(t, "batch job", secret.Text(strings.ToLower(text.Reveal())), authority.ReasonBadChecksum)
	d.want(t, "batch job", "", authority.ReasonMalformed)
	d.want(t, "batch job", "jtp"+text[3:], authority.ReasonMalformed)
	unknown, err := secret.Make(secret.ClientSecret, strings.NewReader(strings.Repeat("0123456789abcdef", 64)))
	check(t, err)
	d.want(t, "batch job", unknown, authority.ReasonUnknown)
	d.want(t, "batch job", text, "")

	d.store.err = errors.New("the disk is on fire")
	if _, err := d.Prove(t.Context(), authority.Credential{Name: "batch job", Text: text}); !errors.Is(err, d.store.err) {
		t.Errorf("got %v, want the store's error", err)
	}
	d.store.err = nil
	check(t, d.DeleteSecret(t.Context(), "batch job", s.ID, audit.Actor{}))
	d.want(t, "batch job", text, authority.ReasonDeleted)
	d.want(t, "other", text, authority.ReasonDeleted)
}

// TestManageSecrets: two live at most, and whose they are not can't delete them.
func TestManageSecrets(t *testing.T) {
	d := newDesk(t)
	first, one := d.secret(t)
	d.now.Add(1)
	second, two := d.secret(t)
	_, _, err := d.CreateSecret(t.Context(), "batch job", audit.Actor{})
	wantField(t, err, "user")
	if !errors.Is(err, authority.ErrConflict) {
		t.Errorf("got %v, want a conflict", err)
	}
	all, err := d.Secrets(t.Context(), "batch job")
	check(t, err)
	if len(all) != 2 || all[0].ID != one.ID || all[1].ID != two.ID {
		t.Errorf("got %+v, want both, the oldest first", all)
	}
	_, err = d.accounts.Create(t.Context(), account.Draft{Username: "other", Kind: account.Service}, audit.Actor{})
	check(t, err)
	for _, wrong := range []struct {
		user string
		id   uuid.UUID
	}{{"other", one.ID}, {"batch job", uuid.New()}, {"nobody", one.ID}} {
		if err := d.DeleteSecret(t.Context(), wrong.user, wrong.id, audit.Actor{}); !errors.Is(err, authority.ErrNotFound) {
			t.Errorf("got %v, want not found", err)
		}
	}
	check(t, d.DeleteSecret(t.Context(), "batch job", one.ID, audit.Actor{}))
	d.want(t, "batch job", first, authority.ReasonDeleted)
	d.want(t, "batch job", second, "")
	third, _ := d.secret(t)
	d.want(t, "batch job", third, "")
}

// TestPersonsAreNoClients: a person has neither secrets nor keys.
func TestPersonsAreNoClients(t *testing.T) {
	d := newDesk(t)
	_, err := d.accounts.Create(t.Context(), account.Draft{Username: "ann"}, audit.Actor{})
	check(t, err)
	_, _, err = d.CreateSecret(t.Context(), "ann", audit.Actor{})
	wantField(t, err, "user")
	_, err = d.CreateKey(t.Context(), "ann", clientauth.KeyDraft{JWKSURI: setAddress}, audit.Actor{})
	wantField(t, err, "user")
	_, err = d.Secrets(t.Context(), "ann")
	wantField(t, err, "user")
	_, err = d.Keys(t.Context(), "ann")
	wantField(t, err, "user")
}

// TestTouch: uses are kept, of secrets and keys alike.
func TestTouch(t *testing.T) {
	d := newDesk(t)
	_, s := d.secret(t)
	_, k := d.signer(t, "ES256")
	at := d.clock()
	check(t, d.Touch(t.Context(), []authority.Use{{ID: s.ID, At: at}, {ID: k.ID, At: at}}))
	secrets, err := d.Secrets(t.Context(), "batch job")
	check(t, err)
	keys, err := d.Keys(t.Context(), "batch job")
	check(t, err)
	if !secrets[0].LastUsedAt.Equal(at) || !keys[0].LastUsedAt.Equal(at) {
		t.Errorf("got %v and %v, want %v", secrets[0].LastUsedAt, keys[0].LastUsedAt, at)
	}
}

func TestConfig(t *testing.T) {
	if _, err := clientauth.New(clientauth.Config{}); err == nil {
		t.Error("got Clients of nothing")
	}
}

// wantField compares the field that an error is about.
func wantField(t testing.TB, err error, want string) {
	t.Helper()
	f, ok := errors.AsType[*authority.FieldError](err)
	if !ok || f.Field != want {
		t.Errorf("got %v, want an error of the field %s", err, want)
	}
}

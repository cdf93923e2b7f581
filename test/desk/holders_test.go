package desk_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/test/desk"
)

var doorOfAll = &authority.Door{Name: "gateway", Kinds: authority.KindsOf(
	authority.PersonalToken, authority.APIToken, authority.AccessToken, authority.SessionToken, authority.ConsoleSession, authority.APISession)}

// credentials returns what presents each kind of credential of a user that is found together with it.
func credentials(t *testing.T, d *desk.Desk, p authority.Principal) map[string]*authority.Presented {
	t.Helper()
	personal, _, err := d.Personal.Rotate(t.Context(), &p, audit.Actor{})
	desk.Check(t, err)
	begun, err := d.Sessions.Begin(t.Context(), &p, audit.Actor{})
	desk.Check(t, err)
	cookies, err := d.Browsers.Begin(t.Context(), &p, uuid.Nil, audit.Actor{})
	desk.Check(t, err)
	api, _ := d.Token(t, apitoken.Draft{User: p.Username, Name: "of " + p.Username})
	access, err := d.Exchange(t, api, accesstoken.Ask{})
	desk.Check(t, err)
	cookie := func(name, value string) *authority.Presented {
		in := desk.Bearer("")
		in.Authorization, in.Cookie = nil, []string{name + "=" + value}
		return in
	}
	return map[string]*authority.Presented{
		"personal token": desk.Bearer(personal.Reveal()), "session token": desk.Bearer(begun.Text.Reveal()),
		"console session": cookie(desk.ConsoleCookie, cookies.Console.Reveal()), "API session": cookie(desk.APICookie, cookies.API.Reveal()),
		"API token": desk.Bearer(api.Reveal()), "access token": desk.Bearer(access.Token.Reveal()),
	}
}

// reasonOf returns why somebody is refused, and nothing where it isn't by the heart.
func reasonOf(err error) authority.Reason {
	if ref, ok := errors.AsType[*authority.Refusal](err); ok {
		return ref.Reason
	}
	return ""
}

// TestHolders changes a user and presents each of its credentials, of which memory knows nothing: the look-up finds the user as
// it is now, and the heart refuses it for the same reason as one that it has loaded. A twin with the same credentials passes.
func TestHolders(t *testing.T) {
	for name, tc := range map[string]struct {
		change string // what is done to the user's row
		want   authority.Reason
	}{
		"active":        {`UPDATE user SET display_name = 'Alice' WHERE username = 'alice'`, ""},
		"without roles": {`DELETE FROM user_role WHERE user_id = (SELECT id FROM user WHERE username = 'alice')`, ""},
		"blocked":       {`UPDATE user SET state = 'blocked' WHERE username = 'alice'`, authority.ReasonBlocked},
		"suspended":     {`UPDATE user SET state = 'suspended' WHERE username = 'alice'`, authority.ReasonSuspended},
		"deleted":       {`UPDATE user SET deleted_at = 1, password = NULL, email_key = NULL WHERE username = 'alice'`, authority.ReasonUserDeleted},
		"vanished":      {`DELETE FROM user WHERE username = 'alice'`, authority.ReasonUserDeleted},
	} {
		t.Run(name, func(t *testing.T) {
			d := desk.New(t, desk.Options{Unfollowed: true})
			alice, twin := d.User(t, "alice", account.Person, "partner"), d.User(t, "twin", account.Person, "partner")
			of, twins := credentials(t, d, alice), credentials(t, d, twin)
			for kind := range of {
				if _, err := d.Authority.Identify(t.Context(), of[kind], doorOfAll); err != nil {
					t.Errorf("%s, before: got %v, want it let in", kind, err)
				}
			}
			d.Tamper(t, tc.change)
			for kind := range of {
				p, err := d.Authority.Identify(t.Context(), of[kind], doorOfAll)
				if got := reasonOf(err); got != tc.want || (tc.want == "") != (err == nil) {
					t.Errorf("%s: got %q, want %q", kind, got, tc.want)
				}
				if wantRoles := name == "active"; tc.want == "" && (len(p.Roles) > 0) != wantRoles {
					t.Errorf("%s: got the roles %q of one who is %s", kind, p.Roles, name)
				}
				if _, err := d.Authority.Identify(t.Context(), twins[kind], doorOfAll); err != nil {
					t.Errorf("%s of the twin: got %v, want it let in", kind, err)
				}
			}
		})
	}
}

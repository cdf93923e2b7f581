package httpapi_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/secret"
)

// TestClientSecrets rotates a secret: the second works beside the first, which is deleted when it is no longer used.
func TestClientSecrets(t *testing.T) {
	d := newDesk(t)
	u, _ := d.user(t, account.Draft{Username: "Robot", Kind: account.Service})
	const route = "/v1/users/robot/client-secrets"
	issue := func() (made api.IssuedClientSecret) {
		t.Helper()
		a := d.want(t, ask{route: "POST " + route, token: d.adminToken}, http.StatusCreated, "")
		a.into(t, &made)
		if want := "/v1/users/" + u.ID.String() + "/client-secrets/" + made.ID; a.header.Get("Location") != want {
			t.Errorf("got Location %q, want %q", a.header.Get("Location"), want)
		}
		if !secret.Valid(made.Secret, secret.ClientSecret) || !made.CreatedAt.Equal(d.clock()) {
			t.Errorf("got %s of %s, want a client secret of now", made.ID, made.CreatedAt)
		}
		return made
	}
	first := issue()
	d.now.Add(60)
	second := issue()
	a := d.want(t, ask{route: "POST " + route, token: d.adminToken}, http.StatusConflict, api.CodeConflict)
	a.wantField(t, "user")

	d.want(t, ask{route: "GET /v1/me", token: "robot:" + second.Secret}, http.StatusOK, "")
	var me api.Me
	d.want(t, ask{route: "GET /v1/me", token: "ROBOT:" + first.Secret}, http.StatusOK, "").into(t, &me)
	if want := (api.Credential{Kind: "client_secret", ID: first.ID}); !cmp.Equal(want, me.Credential) {
		t.Errorf("got %+v, want %+v", me.Credential, want)
	}
	check(t, d.authority.StoreUses(t.Context()))
	var list api.List[api.ClientSecret]
	d.want(t, ask{route: "GET " + route, token: d.adminToken}, http.StatusOK, "").into(t, &list)
	want := []api.ClientSecret{
		{ID: first.ID, CreatedAt: first.CreatedAt, LastUsedAt: d.clock(), LastUsedIP: clientAddress},
		{ID: second.ID, CreatedAt: second.CreatedAt, LastUsedAt: d.clock(), LastUsedIP: clientAddress},
	}
	if diff := cmp.Diff(want, list.Items); diff != "" || list.Next != "" {
		t.Errorf("list (-want +got): %s; next %q", diff, list.Next)
	}

	d.want(t, ask{route: "DELETE " + route + "/" + first.ID, token: d.adminToken}, http.StatusNoContent, "")
	d.refused(t)
	d.want(t, ask{route: "GET /v1/me", token: "robot:" + first.Secret}, http.StatusUnauthorized, api.CodeNotAuthenticated)
	if got := d.refused(t); !slices.Equal(got, []string{"v1 deleted client_secret"}) {
		t.Errorf("got refusals %v", got)
	}
	d.want(t, ask{route: "GET /v1/me", token: "robot:" + second.Secret}, http.StatusOK, "")
	issue()
	got := slices.DeleteFunc(d.actions(t), func(action string) bool { return !strings.HasPrefix(action, "client_secret.") })
	create, end := "client_secret.create Robot", "client_secret.delete Robot"
	if want := []string{create, end, create, create}; !slices.Equal(got, want) {
		t.Errorf("got events %v, want %v", got, want)
	}
}

// TestClientKeys adds keys, lists and deletes them.
func TestClientKeys(t *testing.T) {
	d := newDesk(t)
	u, _ := d.user(t, account.Draft{Username: "robot", Kind: account.Service})
	const route = "/v1/users/robot/client-keys"
	a := d.want(t, ask{route: "POST " + route, token: d.adminToken, body: encodeKey(publicKey)}, http.StatusCreated, "")
	var key api.ClientKey
	a.into(t, &key)
	want := api.ClientKey{ID: key.ID, Algorithm: "EdDSA", PublicKey: publicKey, CreatedAt: d.clock()}
	if diff := cmp.Diff(want, key); diff != "" || a.header.Get("Location") != "/v1/users/"+u.ID.String()+"/client-keys/"+key.ID {
		t.Errorf("made (-want +got): %s at %s", diff, a.header.Get("Location"))
	}
	var list api.List[api.ClientKey]
	d.want(t, ask{route: "GET " + route, token: d.adminToken}, http.StatusOK, "").into(t, &list)
	if diff := cmp.Diff([]api.ClientKey{want}, list.Items); diff != "" {
		t.Errorf("list (-want +got): %s", diff)
	}
	d.want(t, ask{route: "DELETE " + route + "/" + key.ID, token: d.adminToken}, http.StatusNoContent, "")
	list = api.List[api.ClientKey]{}
	d.want(t, ask{route: "GET " + route, token: d.adminToken}, http.StatusOK, "").into(t, &list)
	if list.Items == nil || len(list.Items) != 0 {
		t.Errorf("got %+v, want an empty list", list)
	}
	for range 5 {
		d.want(t, ask{route: "POST " + route, token: d.adminToken, body: encodeKey(publicKey)}, http.StatusCreated, "")
	}
	d.want(t, ask{route: "POST " + route, token: d.adminToken, body: encodeKey(publicKey)}, http.StatusConflict, api.CodeConflict)
}

// TestClientErrors: what can't be a client's, and what isn't this client's.
func TestClientErrors(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "amy"})
	d.client(t, "robot")
	d.user(t, account.Draft{Username: "other", Kind: account.Service})
	const privateKey = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n"
	for _, tt := range []struct {
		route, body string
		status      int
		field       string
	}{
		{"GET /v1/users/amy/client-secrets", "", 422, "user"}, // a person
		{"POST /v1/users/amy/client-secrets", "", 422, "user"},
		{"POST /v1/users/amy/client-keys", encodeKey(publicKey), 422, "user"},
		{"GET /v1/users/nobody/client-secrets", "", 404, ""},
		{"POST /v1/users/nobody/client-secrets", "", 404, ""},
		{"GET /v1/users/nobody/client-keys", "", 404, ""},
		{"DELETE /v1/users/robot/client-secrets/x", "", 404, ""},
		{"DELETE /v1/users/robot/client-secrets/" + uuid.NewString(), "", 404, ""},
		{"DELETE /v1/users/other/client-secrets/{secret}", "", 404, ""}, // another's
		{"DELETE /v1/users/other/client-keys/{key}", "", 404, ""},
		{"DELETE /v1/users/robot/client-secrets/{key}", "", 404, ""}, // a key is no secret
		{"DELETE /v1/users/robot/client-keys/{secret}", "", 404, ""},
		{"GET /v1/users/robot/client-secrets/{secret}", "", 405, ""}, // there is no more to read than the list has
		{"POST /v1/users/robot/client-keys", `{}`, 422, "public_key"},
		{"POST /v1/users/robot/client-keys", `{"public_key":"x"}`, 422, "public_key"},
		{"POST /v1/users/robot/client-keys", encodeKey(privateKey), 422, "public_key"},
		{"POST /v1/users/robot/client-keys", strings.Replace(encodeKey(publicKey), "{", `{"algorithm":"HS256",`, 1), 422, "algorithm"},
		{"POST /v1/users/robot/client-keys", strings.Replace(encodeKey(publicKey), "{", `{"algorithm":"RS256",`, 1), 422, "public_key"},
		{"POST /v1/users/robot/client-keys", strings.Replace(encodeKey(publicKey), "{", `{"jwks_uri":"https://a.example/jwks",`, 1), 422, "public_key"},
		{"POST /v1/users/robot/client-keys", strings.Replace(encodeKey(publicKey), "{", `{"id":"1",`, 1), 422, "id"},
		{"POST /v1/users/robot/client-keys", strings.Replace(encodeKey(publicKey), "{", `{"private_key":"1",`, 1), 422, "private_key"},
	} {
		a := d.do(t, ask{route: tt.route, token: d.adminToken, body: tt.body})
		if a.status != tt.status {
			t.Errorf("%s %s: got %d %s, want %d", tt.route, tt.body, a.status, a.body, tt.status)
			continue
		}
		if a.wantField(t, tt.field); strings.Contains(a.body, "MC4CAQ") {
			t.Errorf("%s: the answer repeats the key: %s", tt.route, a.body)
		}
	}
	for _, good := range []string{encodeKey(publicKey), strings.Replace(encodeKey(publicKey), "{", `{"algorithm":"EdDSA",`, 1)} {
		d.want(t, ask{route: "POST /v1/users/robot/client-keys", token: d.adminToken, body: good}, http.StatusCreated, "")
	}
	d.want(t, ask{route: "DELETE /v1/users/robot/client-secrets/{secret}", token: d.adminToken}, http.StatusNoContent, "")
	d.want(t, ask{route: "DELETE /v1/users/robot/client-keys/{key}", token: d.adminToken}, http.StatusNoContent, "")
}

// TestClientStops: who is blocked or deleted is no client.
func TestClientStops(t *testing.T) {
	for change, reason := range map[string]string{
		`{"display_name":"Robot"}`: "", `{"username":"other"}`: "unknown_user", `{"state":"blocked"}`: "blocked", "": "unknown",
	} {
		t.Run(change, func(t *testing.T) {
			d := newDesk(t)
			by := ask{route: "GET /v1/me", token: "robot:" + d.client(t, "robot")}
			d.want(t, by, http.StatusOK, "")
			q := ask{route: "PATCH /v1/users/robot", token: d.adminToken, body: change}
			if change == "" {
				q.route = "DELETE /v1/users/robot"
			}
			if a := d.do(t, q); a.status >= 300 {
				t.Fatalf("got %d %s", a.status, a.body)
			}
			d.refused(t)
			if reason == "" {
				d.want(t, by, http.StatusOK, "")
				return
			}
			d.want(t, by, http.StatusUnauthorized, api.CodeNotAuthenticated)
			if got := d.refused(t); !slices.Equal(got, []string{fmt.Sprintf("v1 %s client_secret", reason)}) {
				t.Errorf("got refusals %v, want %s", got, reason)
			}
		})
	}
}

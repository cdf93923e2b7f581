package e2e_test

import "net/http"

// emptyVisits are the states of a console in which nothing has been made, beside those to which links lead.
func emptyVisits() []visit {
	return []visit{
		{who: "admin", name: "empty-audit-following", path: "/console/administration/audit?follow=1"},
	}
}

// logOut is the button by which one logs out.
const logOut = `form[action="/console/logout"]`

// The paths of the administration.
const (
	admin     = "/console/administration"
	users     = admin + "/users"
	tokens    = admin + "/integration/web-service-tokens"
	platforms = admin + "/integration/platforms"
	projects  = admin + "/integration/projects"
	portal    = projects + "/1000"
	services  = admin + "/services"
	keys      = admin + "/signing-keys"
	events    = admin + "/audit"
	nobodysID = "00000000-0000-4000-8000-000000000000"
)

const (
	refused   = http.StatusUnprocessableEntity
	conflict  = http.StatusConflict
	forbidden = http.StatusForbidden
	missing   = http.StatusNotFound
)

// visits are the states to which no link leads: answers to forms that were refused, or that show a secret, and errors. A page that is
// added is found by its links; its states are lines here.
func visits() []visit {
	var all []visit
	for _, area := range [][]visit{loginVisits(), ownVisits(), userVisits(), factorVisits(), linkVisits(), tokenVisits(), platformVisits(), projectVisits(), serviceVisits(), otherVisits(), doneVisits(), wrongVisits()} {
		all = append(all, area...)
	}
	return all
}

func loginVisits() []visit {
	const login = "/console/login"
	form := `form[action="` + login + `"]`
	first := func(user string) visit { return nameStep("nobody", user, "") }
	password := func(name, text string, status int64) visit {
		return visit{name: name, send: form, fill: fields{"password": text}, status: status}
	}
	wrong := password("", "wrong", 0) // there may be room for a few by now
	return []visit{
		{who: "nobody", name: "login-ended", path: login + "?notice=session-ended&next=/console/profile"},
		{who: "nobody", name: "login-of-nobody", path: login, send: form, fill: fields{"username": ""}, status: refused},
		{who: "nobody", name: "login-second-step", path: login, send: form, fill: fields{"username": "alice"}},
		chain(first("alice"), password("login-without-password", "", refused)),
		chain(first("nobody-{walker}"), password("login-wrong", "wrong", http.StatusUnauthorized)),
		chain(first("guessed"), wrong, wrong, wrong, password("login-guessed", "wrong", http.StatusTooManyRequests)),
		chain(first("alice"), passwordStep(""), visit{name: "logged-out", send: logOut}),
		{who: "nobody", name: "login-asked-for", path: "/console/profile"},
		{who: "nobody", name: "nothing-there", path: "/console/nothing", status: missing},
	}
}

func ownVisits() []visit {
	const security = "/console/profile/users/{alice}/security"
	form := `form[action$="/security/password"]`
	return []visit{
		{who: "alice", name: "forbidden", path: admin, status: forbidden},
		{who: "alice", name: "not-your-own", path: "/console/profile/users/{admin}", status: missing},
		{who: "alice", name: "change-password", path: "/console/password"},
		{who: "alice", name: "well-known", path: "/.well-known/change-password"},
		{who: "alice", name: "password-refused", path: security, send: form, fill: fields{"current": "wrong", "new": "short", "again": "other"}, status: refused},
		{who: "alice", name: "personal-token-shown", path: security, send: `form[action$="/security/token"]`},
		{who: "alice", path: security, send: `form[action$="/security/token"]`, then: &visit{name: "personal-token-revoked", send: `form[action$="/token/revoke"]`}},
		{who: "bob", name: "no-personal-token", path: "/console/profile/users/{bob}/security"},
		{who: "bob", name: "home-without-token", path: "/console"},
	}
}

func factorVisits() []visit {
	const bobs, carols = "/console/profile/users/{bob}/security", "/console/profile/users/{carol-{walker}}/security"
	carolsLogIn := chain(
		nameStep("nobody", carol, ""), passwordStep("login-second-factor"),
		visit{name: "login-code-wrong", send: `main form`, fill: fields{"code": "000000"}, status: http.StatusUnauthorized},
	)
	carolsLogIn.after = carol
	return []visit{
		{who: "bob", name: "authenticator-refused", path: bobs + "/authenticator", send: `main form`, fill: fields{"code": "none"}, status: refused},
		{who: "bob", name: "confirm", path: "/console/confirm"},
		{who: "bob", name: "confirmed", path: "/console/confirmed"},
		{who: "bob", name: "passkeys-impossible", path: bobs + "/passkeys", status: missing},
		{who: "bob", name: "passkey-missing", path: bobs + "/passkeys/" + nobodysID + "/remove"},
		{who: carol, name: "second-factor-on", path: carols},
		{who: carol, name: "recovery-codes-shown", path: carols, send: `form[action$="/recovery-codes"]`},
		{who: "admin", after: carol, name: "user-with-second-factor", path: users + "/{carol-{walker}}"},
		carolsLogIn,
		{who: "nobody", name: "login-second-factor-typed", path: "/console/login/second-factor"},
	}
}

func linkVisits() []visit {
	return []visit{
		{who: "nobody", name: "welcome", path: "{welcome}"},
		{who: "nobody", name: "welcome-refused", path: "{welcome}", send: `main form`, fill: fields{"new": "short", "again": "short"}, status: refused},
		{who: "nobody", name: "welcome-over", path: "/console/welcome/nothing", status: missing},
		{who: "nobody", name: "login-link-over", path: "/console/login/link/nothing", status: missing},
		{who: "nobody", name: "login-link-typed", path: "/console/login/link"},
		{who: "admin", name: "invitation-shown", path: users + "/{changed}", send: `form[action$="/invite"]`},
	}
}

func userVisits() []visit {
	user := func(name string) string { return users + "/{" + name + "}" }
	return []visit{
		{who: "admin", name: "user-found", path: users + "?q=alice"},
		{who: "admin", name: "user-not-found", path: users + "?q=zzz"},
		{who: "admin", name: "user-missing", path: users + "/" + nobodysID, status: missing},
		{who: "admin", name: "user-refused", path: users + "/new", fill: fields{"username": "a:b", "email": "no e-mail", "roles": "a/b", "password": "short", "again": "other"}, send: `main form`, status: refused},
		{who: "admin", name: "user-taken", path: users + "/new", fill: fields{"username": "alice"}, send: `main form`, status: refused},
		{who: "admin", name: "user-change-refused", path: user("alice"), fill: fields{"username": "a:b", "roles": "a/b"}, send: `[aria-labelledby=change] form`, status: refused},
		{who: "admin", name: "user-change-late", path: user("changed"), fill: fields{"version": "1"}, send: `[aria-labelledby=change] form`, status: conflict},
		{who: "admin", name: "user-password-refused", path: user("changed"), fill: fields{"password": "short", "again": "other"}, send: `form[action$="/password"]`, status: refused},
		{who: "admin", name: "user-last-administrator", path: user("admin"), send: `form[action$="/block"]`, status: conflict},
		{who: "admin", name: "user-of-project", path: user("account-1000")},
		{who: "admin", name: "user-of-application", path: user("after-restore")},
		{who: "admin", name: "users-oneself-alone", path: users + "?q=admin"},
		{who: "admin", name: "client-keys-full", path: user("service-full") + "/client"},
		{who: "admin", name: "client-without-any", path: user("service-idle") + "/client"},
		{who: "admin", name: "client-key-refused", path: user("service-idle") + "/client", fill: fields{"public_key": "no key"}, send: `form[action$="/keys"]`, status: refused},
		{who: "admin", name: "users-none-chosen", path: users, send: `main form[method=post]`},
	}
}

func tokenVisits() []visit {
	return []visit{
		{who: "admin", name: "tokens-filtered", path: tokens + "?user=alice&state=disabled&expiring=30"},
		{who: "admin", name: "tokens-enabled", path: tokens + "?state=enabled"},
		{who: "admin", name: "tokens-found", path: tokens + "?q=batch"},
		{who: "admin", name: "tokens-filter-wrong", path: tokens + "?expiring=soon"},
		{who: "admin", name: "tokens-none-like-that", path: tokens + "?user=nobody"},
		{who: "admin", name: "token-refused", path: tokens + "/new", fill: fields{"name": "", "days": "many", "user": "nobody"}, send: `main form`, status: refused},
		{who: "admin", name: "token-lasting", path: tokens + "/{lasting}"},
		{who: "admin", name: "token-expired", path: tokens + "/{expired}"},
		{who: "admin", name: "token-enabled-again", path: tokens + "/{disabled}"},
		{who: "admin", name: "tokens-none-chosen", path: tokens, send: `main form[method=post]`},
	}
}

func platformVisits() []visit {
	enrol := func(name string, fill fields) visit {
		return visit{who: "admin", name: name, path: platforms + "/new", fill: fill, send: `main form`}
	}
	choose := func(source string) visit {
		return visit{who: "admin", name: "platform-by-" + source, path: platforms + "/new", fill: fields{"source": source}}
	}
	problem := enrol("platform-refused", fields{"name": "", "public_key": "no key", "max_assertion_seconds": "1", "roles": "a/b"})
	problem.status = refused
	return []visit{
		choose("jwks_uri"), choose("made"), choose("secret"), problem,
		enrol("platform-secret-shown", fields{"name": "secret-of-{walker}", "algorithm": "HS512", "source": "made", "speaks": "all"}),
		{who: "admin", name: "platform-edit-refused", path: platforms + "/{platform}/edit", fill: fields{"name": ""}, send: `main form`, status: refused},
		{who: "admin", name: "platform-key-refused", path: platforms + "/{platform}/keys", fill: fields{"public_key": "no key"}, send: `main form`, status: refused},
		{who: "admin", name: "platform-keyless", path: platforms + "/{keyless}"},
		{who: "admin", name: "platforms-sorted", path: platforms + "?sort=-created"},
		{who: "admin", name: "platforms-none-chosen", path: platforms, send: `main form[method=post]`},
		{who: "admin", name: "platform-full", path: platforms + "/{full}"},
		{who: "admin", name: "platforms-found", path: platforms + "?q=with"},
		{who: "admin", name: "platforms-not-found", path: platforms + "?q=zzz"},
		{who: "admin", name: "platform-missing", path: platforms + "/" + nobodysID, status: missing},
	}
}

func projectVisits() []visit {
	return []visit{
		{who: "admin", name: "project-refused", path: projects + "/new", fill: fields{"number": "none", "name": "", "allowed_ips": "here", "max_age_seconds": "1"}, send: `main form`, status: refused},
		{who: "admin", name: "project-change-refused", path: portal, fill: fields{"name": ""}, send: `main form`, status: refused},
		{who: "admin", name: "projects-found", path: projects + "?q=port"},
		{who: "admin", name: "projects-not-found", path: projects + "?q=zzz"},
		{who: "admin", name: "project-missing", path: projects + "/4711", status: missing},
		{who: "admin", name: "project-without-sets", path: projects + "/2000/token-sets"},
		{who: "admin", name: "encryptor-without-sets", path: projects + "/2000/encryptor"},
		{who: "admin", name: "decryptor-without-sets", path: projects + "/2000/decryptor"},
		{who: "admin", name: "set-of-cbc", path: portal + "/token-sets/new", fill: fields{"mode": "CBC"}},
		{who: "admin", name: "set-refused", path: portal + "/token-sets/new", fill: fields{"name": "", "iv": "short", "iterations": "few"}, send: `main form`, status: refused},
		{who: "admin", name: "set-change-refused", path: portal + "/token-sets/{gcm}", fill: fields{"name": ""}, send: `main form`, status: refused},
		{who: "admin", name: "encrypted", path: portal + "/encryptor", fill: fields{"set": "{gcm}"}, send: `main form`},
		{who: "admin", name: "encrypted-in-vain", path: portal + "/encryptor", fill: fields{"set": "{gcm}", "plaintext": "<broken"}, send: `main form`},
		{who: "admin", name: "decrypted", path: portal + "/decryptor", fill: fields{"set": "{gcm}", "token": "{sealed}"}, send: `main form`},
		{who: "admin", name: "decryptor-refused", path: portal + "/decryptor", fill: fields{"set": "{gcm}", "token": "nothing"}, send: `main form`, status: refused},
	}
}

func serviceVisits() []visit {
	return []visit{
		{who: "admin", name: "service-refused", path: admin + "/new-service", fill: fields{"name": "No Name", "host": "/", "path_prefix": "x", "upstream": "x", "project": "x", "calls": "x"}, send: `main form`, status: refused},
		{who: "admin", name: "service-restored", path: services + "/restored"},
		{who: "admin", name: "service-everything", path: services + "/everything/settings"},
		{who: "admin", name: "service-bare", path: services + "/bare"},
		{who: "admin", name: "service-vast", path: services + "/vast"},
		{who: "admin", name: "service-change-refused", path: services + "/reports/settings", fill: fields{"host": "/"}, send: `form[action$="/settings"]`, status: refused},
		{who: "admin", name: "operations-refused", path: services + "/reports", fill: fields{"pattern": "nothing", "audience": "user:nobody", "scope": "no scope"}, send: `form[action$="/operations"]`, status: refused},
		{who: "admin", name: "services-sorted", path: services + "?sort=-name"},
		{who: "admin", name: "services-found", path: services + "?q=reports"},
		{who: "admin", name: "services-not-found", path: services + "?q=zzz"},
		{who: "admin", name: "service-missing", path: services + "/nothing", status: missing},
		{who: "admin", name: "call-allowed", path: admin + "/tester", fill: fields{"user": "alice", "method": "GET", "url": "https://api.example.com/reports/7"}, send: `main form`},
		{who: "admin", name: "call-refused", path: admin + "/tester", fill: fields{"user": "app-service", "method": "GET", "url": "https://api.example.com/reports/7"}, send: `main form`},
		{who: "admin", name: "call-of-no-service", path: admin + "/tester", fill: fields{"user": "alice", "method": "GET", "url": "https://nowhere.example.com/"}, send: `main form`},
		{who: "admin", name: "tester-refused", path: admin + "/tester", fill: fields{"user": "nobody", "method": "/", "url": "nothing"}, send: `main form`, status: refused},
	}
}

func otherVisits() []visit {
	return []visit{
		{who: "admin", name: "keys-filtered", path: keys + "?state=retired"},
		{who: "admin", name: "keys-of-purpose", path: keys + "?signs=access_token&state=active"},
		{who: "admin", name: "keys-none-like-that", path: keys + "?q=zzz&state=revoked"},
		{who: "admin", name: "key-retired", path: keys + "/{key-key}"},
		{who: "admin", name: "key-revoked", path: keys + "/{revoked}"},
		{who: "admin", name: "key-missing", path: keys + "/nothing", status: missing},
		{who: "admin", name: "audit-following", path: events + "?follow=1"},
		{who: "admin", name: "audit-filtered", path: events + "?action=refused"},
		{who: "admin", name: "audit-of-reason", path: events + "?reason=wrong_password"},
		{who: "admin", name: "audit-choices-wrong", path: events + "?action=none&reason=none", status: refused},
		{who: "admin", name: "audit-nothing-like-that", path: events + "?actor=" + nobodysID},
		{who: "admin", name: "audit-filter-wrong", path: events + "?since=soon&actor=nobody", status: refused},
		{who: "admin", name: "start", path: "/"},
		{who: "admin", name: "admin-nothing-there", path: "/console/nothing", status: missing},
	}
}

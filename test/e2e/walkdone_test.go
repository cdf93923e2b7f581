package e2e_test

import "github.com/jeton-io/jeton/jetontest"

// doneVisits are the pages that say what was just done. Each walker does it to what is its own.
func doneVisits() []visit {
	return []visit{
		userDone(), usersDone(), clientDone(), tokenDone(), tokensDone(), platformDone(), projectDone(), serviceDone(), keysDone(),
		carolDone(), sessionsDone(), daveDone(),
	}
}

func userDone() visit {
	return chain(
		visit{who: "admin", name: "user-created", path: users + "/new", send: `main form`, fill: fields{"username": "made-by-{walker}"}},
		visit{name: "user-changed", send: `[aria-labelledby=change] form`, fill: fields{"display_name": "Made-by-{walker}", "email": "{walker}@example.com"}},
		visit{name: "user-first-password", send: `form[action$="/password"]`, fill: fields{"password": jetontest.Password, "again": jetontest.Password}},
		visit{name: "user-password-reset", send: `form[action$="/password"]`, fill: fields{"password": jetontest.Password + "!", "again": jetontest.Password + "!"}},
		visit{name: "user-blocked", send: `form[action$="/block"]`},
		visit{name: "user-unblocked", send: `form[action$="/unblock"]`},
		visit{name: "user-deleted", send: `form[action$="/delete"]`},
	)
}

func usersDone() visit {
	return chain(
		visit{who: "admin", name: "users-blocked", path: users + "?q=gone-{walker}", send: `main form[method=post]`, fill: fields{"id": "{gone-{walker}}"}},
		visit{path: users + "/new", send: `button[name=invite]`, fill: fields{"username": "invited-by-{walker}"}, name: "user-created-and-invited"},
	)
}

// clientDone is all that happens to an OAuth client, of which there may be two secrets.
func clientDone() visit {
	const secrets = `form[action$="/secrets"]`
	return chain(
		visit{who: "admin", path: users + "/{service-{walker}}/client", do: before(secrets, nil, 2), send: secrets, status: conflict, name: "client-secrets-too-many"},
		visit{path: users + "/{service-{walker}}/client", name: "client-secrets-full"},
		visit{send: `form[action*="/secrets/"]`, name: "client-secret-deleted"},
		visit{send: secrets, name: "client-secret-shown"},
		visit{path: "@main .actions a", send: `form[action$="/keys"]`, fill: fields{"public_key": "{publicKey-{walker}}"}, name: "client-key-added"},
		visit{send: `form[action*="/keys/"]`, name: "client-key-deleted"},
	)
}

func tokenDone() visit {
	return chain(
		visit{who: "admin", path: tokens + "/new", send: `main form`, fill: fields{"name": "lasting-of-{walker}", "user": "bob", "never": "yes"}, name: "token-shown-lasting"},
		visit{path: tokens + "/new", send: `main form`, fill: fields{"name": "made-by-{walker}", "user": "bob"}, name: "token-shown"},
		visit{path: `@main a.second`, send: `form[action$="/disable"]`, name: "token-disabled"},
		visit{send: `form[action$="/enable"]`, name: "token-enabled"},
		visit{send: `form[action$="/delete"]`, name: "token-deleted"},
	)
}

func tokensDone() visit {
	return visit{who: "admin", name: "tokens-disabled", path: tokens + "?q=batch-{walker}", send: `main form[method=post]`, fill: fields{"id": "{batch-{walker}}"}}
}

func platformDone() visit {
	return chain(
		visit{who: "admin", path: platforms + "/new", send: `main form`, fill: fields{"name": "pair-of-{walker}", "algorithm": "ES256", "source": "made", "speaks": "all"}, name: "platform-key-shown"},
		visit{path: platforms + "/new", send: `main form`, fill: fields{"name": "enrolled-by-{walker}", "public_key": "{publicKey-{walker}}", "speaks": "all"}, name: "platform-enrolled"},
		visit{path: platforms + "?q=enrolled-by-{walker}", do: script(`document.querySelector("[name=id]").checked = true`), send: `main form[method=post]`, name: "platforms-disabled"},
		visit{path: platforms + "?q=enrolled-by-{walker}"}, visit{path: `@tbody a`, send: `form[action$="/enable"]`},
		visit{send: `form[action$="/disable"]`, name: "platform-disabled"},
		visit{send: `form[action$="/enable"]`, name: "platform-enabled"},
		visit{path: `@main a[href$="/edit"]`, send: `main form`, fill: fields{"issuer": "https://{walker}.example.com"}, name: "platform-changed"},
		visit{path: `@main a[href$="/keys"]`, send: `main form`, fill: fields{"source": "jwks_uri", "jwks_uri": "https://keys.example.com/{walker}.json"}, name: "platform-key-added"},
		visit{send: `form[action*="/keys/"]`, name: "platform-key-deleted"},
		visit{send: `form[action$="/delete"]`, name: "platform-deleted"},
	)
}

// projectDone is all that happens to a project, of which there may be eight token sets.
func projectDone() visit {
	const own, send = projects + "/{number-{walker}}", `main form`
	return chain(
		visit{who: "admin", path: projects + "/new", send: send, fill: fields{"number": "{number-{walker}}", "name": "made-by-{walker}"}, name: "project-made"},
		visit{path: own, send: send, fill: fields{"app_keys": "key-of-{walker}"}, name: "project-saved"},
		visit{path: own + "/token-sets/new", send: send, fill: fields{"name": "made-for-{walker}"}, name: "set-shown"},
		visit{path: own + "/token-sets/new", send: send, fill: fields{"name": "set-of-{walker}", "key": "of-thirty-two-bytes-for-{walker}-and-more"}, name: "set-added"},
		visit{path: `@tbody a`, send: send, name: "set-saved"},
		visit{path: own + "/token-sets/new", send: send, fill: fields{"name": "ninth"}, do: script(`const form = document.querySelector("main form");
			for (let n = 0; n < 6; n++) {
				const body = new URLSearchParams(new FormData(form));
				body.set("name", "another-" + n);
				body.set("key", "another-of-more-than-thirty-two-bytes-" + n);
				await fetch(form.action, {method: "POST", body});
			}`), status: refused, name: "set-too-many"},
		visit{path: own + "/token-sets"},
		visit{path: `@tbody a`, send: `form[action$="/delete"]`, name: "set-deleted"},
		visit{path: own, send: `form[action$="/delete"]`, name: "project-deleted"},
	)
}

func serviceDone() visit {
	return chain(
		visit{who: "admin", path: services + "/restored{walker}", send: `form[action$="/confirm"]`, name: "service-confirmed"},
		visit{path: admin + "/new-service", send: `main form`, fill: fields{"name": "made-by-{walker}", "host": "{walker}.example.com"}, name: "service-created"},
		visit{send: `form[action$="/operations"]`, fill: fields{"pattern": "GET /{id}", "audience": "role:partner"}, name: "operations-replaced"},
		visit{path: services + "/made-by-{walker}/settings", send: `main form`, fill: fields{"upstream": "http://127.0.0.1:9000"}, name: "service-changed"},
		visit{send: `form[action$="/delete"]`, name: "service-deleted"},
	)
}

func keysDone() visit {
	return chain(
		visit{who: "admin", path: keys, send: `form:has([name=purpose][value=access_token])`, name: "key-rotated"},
		visit{path: keys + "/{key-{walker}}", send: `form[action$="/revoke"]`, name: "key-revoked-now"},
	)
}

// The steps of a log-in.
func nameStep(who, user, next string) visit {
	return visit{who: who, path: "/console/login" + next, send: `form[action="/console/login"]`, fill: fields{"username": user}}
}

func passwordStep(name string) visit {
	return visit{name: name, send: `form[action="/console/login"]`, fill: fields{"password": jetontest.Password}}
}

// carolDone is a second step that goes wrong in all ways, and right once.
func carolDone() visit {
	const code = `form:has([inputmode=numeric])`
	wrong := visit{send: code, fill: fields{"code": "000000"}}
	tooMany := wrong
	tooMany.status, tooMany.name = 429, "login-codes-too-many"
	v := chain(
		nameStep("nobody", carol, "?next=/console/profile"), passwordStep("login-second-factor-next"),
		visit{send: code, fill: fields{"code": ""}, status: refused, name: "login-without-code"},
		visit{do: enterCode(30), send: code},
		visit{send: logOut},
		nameStep("", carol, ""), passwordStep(""),
		visit{do: enterCode(30), send: code, status: 401, name: "login-code-used"},
		visit{send: code, fill: fields{"code": "123456", "ticket": "none"}, name: "login-step-over"},
		nameStep("", carol, ""), passwordStep(""),
		wrong, wrong, wrong, wrong, wrong, tooMany,
	)
	v.after = carol
	return v
}

// sessionsDone has dave, who is logged in twice, end the one and the other session.
func sessionsDone() visit {
	const security = "/console/profile/users/{dave-{walker}}/security"
	v := chain(
		nameStep(stranger, dave, ""), passwordStep(""),
		visit{path: security, name: "own-sessions"},
		visit{send: `form[action*="/security/sessions/"]:not([action$="/sessions/end"])`, name: "session-over"},
		visit{send: `form[action$="/sessions/end"]`, name: "other-sessions-over"},
		visit{send: `form[action$="/security/password"]`, fill: fields{"current": jetontest.Password, "new": jetontest.Password + "!", "again": jetontest.Password + "!"}, name: "password-changed"},
		visit{path: security, do: script(`await fetch("/console/logout", {method: "POST", body: new URLSearchParams()})`), send: `form[action$="/security/token"]`, status: 401, name: "logged-out-elsewhere"},
		visit{path: "/console/profile", name: "log-in-first"},
	)
	v.after = dave
	return v
}

// daveDone has an administrator end what dave has begun.
func daveDone() visit {
	const him = users + "/{dave-{walker}}"
	return chain(
		visit{who: "admin", path: him, send: `form[action$="/password"]`, fill: fields{"password": jetontest.Password, "again": jetontest.Password}},
		visit{path: him, do: loggedIn(stranger, dave), name: "user-with-session"},
		visit{path: him, send: `form[action*="/sessions/"]:not([action$="/sessions/end"])`, name: "user-session-ended"},
		visit{path: him, do: loggedIn(stranger, dave)},
		visit{path: him, send: `form[action$="/sessions/end"]`, name: "user-sessions-ended"},
		visit{path: him, do: before(`form[action$="/block"]`, nil, 1), send: `form[action$="/invite"]`, status: conflict, name: "user-not-invited"},
	)
}

package httpapi

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/jeton-io/jeton/api"
)

// This file is the one list of what /v1 serves, to whom, and with which codes a route may answer beside those of all routes like
// it. It stays whole, however long it gets: who reads it has seen every door, and a list in several places could lack one.

// routes registers all routes, and the document that is made of them.
func (s *server) routes() error {
	h := humago.New(s.mux, document(s.cfg.PublicURL, s.cfg.Cookie))
	s.ownRoutes(h)
	s.userRoutes(h)
	s.apiTokenRoutes(h)
	s.platformRoutes(h)
	s.projectRoutes(h)
	s.serviceRoutes(h)
	s.keyRoutes(h)
	s.verdictRoutes(h)

	spec, err := finish(h.OpenAPI())
	s.mux.HandleFunc("GET /v1/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(spec) // the caller may have gone
	})
	return err
}

// ownRoutes are about what is one's own. GET /v1/me alone takes every credential; see access.
func (s *server) ownRoutes(h huma.API) {
	register(s, h, identified, s.getMe, op("GET /v1/me", "getMe", "Who am I, and by which credential"))
	register(s, h, own, s.changePassword, op("PUT /v1/me/password", "changePassword", "Change my password"))
	register(s, h, own, s.rotateToken,
		op("POST /v1/me/personal-token", "rotatePersonalToken", "Make my personal token; the former one dies"))
	register(s, h, own, s.getToken,
		op("GET /v1/me/personal-token", "getPersonalToken", "What is known of my personal token", api.CodeNotFound))
	register(s, h, own, s.revokeToken,
		op("DELETE /v1/me/personal-token", "revokePersonalToken", "Revoke my personal token", api.CodeNotFound))

	register(s, h, own, s.listMySessions, op("GET /v1/me/sessions", "listMySessions", "List my sessions that last, newest first"))
	register(s, h, own, s.endMySessions,
		op("DELETE /v1/me/sessions", "endMySessions", "End all my sessions, but the one by which I ask"))
	register(s, h, own, s.endMySession, op("DELETE /v1/me/sessions/{id}", "endMySession", "End one of my sessions"))
}

// userRoutes are about users, their sessions, and what service accounts prove themselves by.
func (s *server) userRoutes(h huma.API) {
	register(s, h, administrators, s.listUsers, op("GET /v1/users", "listUsers", "List users, by name"))
	register(s, h, administrators, s.createUser, op("POST /v1/users", "createUser", "Make a user", api.CodeConflict))
	register(s, h, administrators, s.getUser, op("GET /v1/users/{user}", "getUser", "Read a user"))
	register(s, h, administrators, s.updateUser,
		op("PATCH /v1/users/{user}", "updateUser", "Change a user", api.CodeConflict, api.CodeLastAdministrator, api.CodeStale))
	register(s, h, administrators, s.deleteUser,
		op("DELETE /v1/users/{user}", "deleteUser", "Delete a user and all its credentials, for good", api.CodeLastAdministrator))
	register(s, h, administrators, s.removeSecondFactor,
		op("DELETE /v1/users/{user}/second-factor", "removeSecondFactor", "Take away a user's second factor, whole, and end its browser sessions"))

	register(s, h, administrators, s.inviteUser,
		op("POST /v1/users/{user}/invitation", "inviteUser", "Make a link by which a person chooses a password; it is shown this once", api.CodeConflict))

	register(s, h, administrators, s.listUserSessions,
		op("GET /v1/users/{user}/sessions", "listUserSessions", "List the sessions of a user that last, newest first"))
	register(s, h, administrators, s.endUserSessions,
		op("DELETE /v1/users/{user}/sessions", "endUserSessions", "End all sessions of a user, but the one by which one asks"))
	register(s, h, administrators, s.endUserSession,
		op("DELETE /v1/users/{user}/sessions/{id}", "endUserSession", "End a session of a user"))

	register(s, h, administrators, s.listClientSecrets,
		op("GET /v1/users/{user}/client-secrets", "listClientSecrets", "List the client secrets of a service account"))
	register(s, h, administrators, s.createClientSecret,
		op("POST /v1/users/{user}/client-secrets", "createClientSecret", "Make a client secret, which is shown this once; two live at most", api.CodeConflict))
	register(s, h, administrators, s.deleteClientSecret,
		op("DELETE /v1/users/{user}/client-secrets/{id}", "deleteClientSecret", "Delete a client secret and its access tokens, for good"))
	register(s, h, administrators, s.listClientKeys,
		op("GET /v1/users/{user}/client-keys", "listClientKeys", "List the client keys of a service account"))
	register(s, h, administrators, s.createClientKey,
		op("POST /v1/users/{user}/client-keys", "createClientKey", "Add a public key by which a service account's assertions are checked", api.CodeConflict))
	register(s, h, administrators, s.deleteClientKey,
		op("DELETE /v1/users/{user}/client-keys/{id}", "deleteClientKey", "Delete a client key and its access tokens, for good"))
}

// apiTokenRoutes are about signed API tokens.
func (s *server) apiTokenRoutes(h huma.API) {
	register(s, h, administrators, s.listAPITokens, op("GET /v1/api-tokens", "listAPITokens", "List API tokens, by name"))
	register(s, h, administrators, s.createAPIToken,
		op("POST /v1/api-tokens", "createAPIToken", "Make an API token, which is shown this once", api.CodeConflict))
	register(s, h, administrators, s.getAPIToken, op("GET /v1/api-tokens/{id}", "getAPIToken", "Read what is known of an API token"))
	register(s, h, administrators, s.updateAPIToken,
		op("PATCH /v1/api-tokens/{id}", "updateAPIToken", "Rename, narrow, disable or enable an API token", api.CodeConflict, api.CodeStale))
	register(s, h, administrators, s.deleteAPIToken,
		op("DELETE /v1/api-tokens/{id}", "deleteAPIToken", "Delete an API token and its access tokens, for good"))
}

// platformRoutes are about the platforms that log their own users in.
func (s *server) platformRoutes(h huma.API) {
	register(s, h, administrators, s.listPlatforms, op("GET /v1/platforms", "listPlatforms", "List platforms, by name"))
	register(s, h, administrators, s.createPlatform,
		op("POST /v1/platforms", "createPlatform", "Enrol a platform; what is made for it is shown this once", api.CodeConflict))
	register(s, h, administrators, s.getPlatform, op("GET /v1/platforms/{platform}", "getPlatform", "Read a platform and its keys"))
	register(s, h, administrators, s.updatePlatform,
		op("PATCH /v1/platforms/{platform}", "updatePlatform", "Change, disable or enable a platform", api.CodeConflict, api.CodeStale))
	register(s, h, administrators, s.deletePlatform,
		op("DELETE /v1/platforms/{platform}", "deletePlatform", "Delete a platform, its keys and the sessions that it has got, for good"))
	register(s, h, administrators, s.listPlatformKeys,
		op("GET /v1/platforms/{platform}/keys", "listPlatformKeys", "List the keys of a platform"))
	register(s, h, administrators, s.createPlatformKey,
		op("POST /v1/platforms/{platform}/keys", "createPlatformKey", "Add a key of a platform; what is made is shown this once", api.CodeConflict))
	register(s, h, administrators, s.deletePlatformKey,
		op("DELETE /v1/platforms/{platform}/keys/{id}", "deletePlatformKey", "Delete a key of a platform: what it has signed is refused"))
	register(s, h, administrators, s.explainAssertion,
		op("POST /v1/platforms/{platform}/explain", "explainAssertion", "Say step by step whether an assertion is good, and why not"))
}

// projectRoutes are about the applications that seal tokens.
func (s *server) projectRoutes(h huma.API) {
	register(s, h, administrators, s.listProjects, op("GET /v1/projects", "listProjects", "List projects, by number"))
	register(s, h, administrators, s.createProject,
		op("POST /v1/projects", "createProject", "Make a project, with a service account of its own", api.CodeConflict))
	register(s, h, administrators, s.getProject, op("GET /v1/projects/{number}", "getProject", "Read a project and its token sets"))
	register(s, h, administrators, s.updateProject,
		op("PATCH /v1/projects/{number}", "updateProject", "Change a project", api.CodeConflict, api.CodeStale))
	register(s, h, administrators, s.deleteProject,
		op("DELETE /v1/projects/{number}", "deleteProject", "Delete a project, its token sets and its service account, for good"))
	register(s, h, administrators, s.explainSealed,
		op("POST /v1/projects/{number}/explain", "explainSealed", "Say step by step whether sealed tokens are good, and why not"))
	register(s, h, administrators, s.listTokenSets,
		op("GET /v1/projects/{number}/token-sets", "listTokenSets", "List the token sets of a project"))
	register(s, h, administrators, s.createTokenSet,
		op("POST /v1/projects/{number}/token-sets", "createTokenSet", "Make a token set; a key that is made is shown this once", api.CodeConflict))
	register(s, h, administrators, s.getTokenSet,
		op("GET /v1/projects/{number}/token-sets/{id}", "getTokenSet", "Read a token set"))
	register(s, h, administrators, s.updateTokenSet,
		op("PATCH /v1/projects/{number}/token-sets/{id}", "updateTokenSet", "Change, disable or enable a token set", api.CodeConflict, api.CodeStale))
	register(s, h, administrators, s.deleteTokenSet,
		op("DELETE /v1/projects/{number}/token-sets/{id}", "deleteTokenSet", "Delete a token set: what was sealed by it is refused"))
	register(s, h, administrators, s.encryptToken,
		op("POST /v1/projects/{number}/token-sets/{id}/encrypt", "encryptToken", "Seal a plaintext, as the application would"))
	register(s, h, administrators, s.decryptToken,
		op("POST /v1/projects/{number}/token-sets/{id}/decrypt", "decryptToken", "Open a token, and say what is wrong with it"))
}

// serviceRoutes are about the protected APIs and their operations.
func (s *server) serviceRoutes(h huma.API) {
	register(s, h, administrators, s.listServices, op("GET /v1/services", "listServices", "List services, by name"))
	register(s, h, administrators, s.createService, op("POST /v1/services", "createService", "Make a service", api.CodeConflict))
	register(s, h, administrators, s.getService, op("GET /v1/services/{name}", "getService", "Read a service"))
	register(s, h, administrators, s.updateService,
		op("PATCH /v1/services/{name}", "updateService", "Change a service", api.CodeConflict, api.CodeStale))
	register(s, h, administrators, s.deleteService,
		op("DELETE /v1/services/{name}", "deleteService", "Delete a service and its operations"))
	register(s, h, administrators, s.getOperations,
		op("GET /v1/services/{name}/operations", "getOperations", "Read the operations of a service"))
	register(s, h, administrators, s.replaceOperations,
		op("PUT /v1/services/{name}/operations", "replaceOperations", "Replace the operations of a service",
			api.CodeConflict, api.CodeStale, api.CodeVersionRequired))
}

// keyRoutes are about the keys with which Jeton signs.
func (s *server) keyRoutes(h huma.API) {
	register(s, h, administrators, s.listKeys, op("GET /v1/keys", "listKeys", "List signing keys, newest first"))
	register(s, h, administrators, s.rotateKey,
		op("POST /v1/keys", "rotateKey", "Make a new signing key; the former one only verifies from then on", api.CodeStale))
	register(s, h, administrators, s.revokeKey,
		op("DELETE /v1/keys/{id}", "revokeKey", "Revoke a signing key and every token that it has signed", api.CodeStale))
}

// verdictRoutes are what the policy and the audit log say.
func (s *server) verdictRoutes(h huma.API) {
	register(s, h, verifiers, s.verifyCall, op(verifyRoute, "verify", "May a call that a service received pass"))
	register(s, h, verifiers, s.getPolicy, op("GET /v1/policy", "getPolicy", "What decides about the calls of the services whose verifier I am"))
	register(s, h, verifiers, s.hearFeed, streamed(op("GET "+feedPath, "hearFeed", "Hear what was taken away, as it is")))
	register(s, h, administrators, s.listEvents, op("GET /v1/events", "listEvents", "Read the audit log, newest first"))
}

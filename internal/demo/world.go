package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
)

// The people and programs of the demo. visitor is whoever reads this: the lines for curl are that one's.
const (
	alice       = "alice"
	externalApp = "ExternalApp"
	john        = "john"
	mary        = "mary"
	visitor     = "you"

	partner    = "partner"    // the role of those who read reports
	accountant = "accountant" // and of those who read invoices, of whom there is none

	project = 1000 // whose sealed tokens count, and what calls of XDOC's clients mean that name none
	account = "project-1000"

	securityContext = "DemoContext"
	appID           = "DemoApp"
)

// world is what was made in Jeton, and what its integrators were given.
type world struct {
	base   string // URL of the proxy
	public string // URL of /v1
	api    *sampleAPI
	admin  *client.Client
	now    func() time.Time

	ids       map[string]string // of users, by name
	passwords map[string]client.Secret
	personal  map[string]client.Secret
	apiTokens map[string]client.Secret

	platform string // code
	signer   *signer
	sealer   *sealer
}

// furnish makes users, services and credentials over /v1, as an administrator does who has a Jeton that is new.
func furnish(ctx context.Context, d *desk, a *sampleAPI, now func() time.Time) (*world, error) {
	admin, err := client.New(client.Config{BaseURL: d.public, Username: "admin", Password: d.admin})
	if err != nil {
		return nil, err
	}
	w := &world{
		base: d.base, public: d.public, api: a, admin: admin, now: now,
		ids: map[string]string{}, passwords: map[string]client.Secret{}, personal: map[string]client.Secret{}, apiTokens: map[string]client.Secret{},
	}
	for _, step := range []func(context.Context) error{
		w.makeUsers, w.makeProject, w.makeServices, w.makePlatform, w.makeAPITokens, w.makePersonalTokens,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *world) makeUsers(ctx context.Context) error {
	for _, u := range []api.NewUser{
		{Username: alice, Roles: []string{partner}},
		{Username: externalApp},
		{Username: john, Email: "john@example.com", Roles: []string{partner}},
		{Username: mary, Roles: []string{partner}},
		{Username: visitor, Email: "you@example.com", Roles: []string{partner}},
	} {
		if u.Username != externalApp && u.Username != mary { // these have no use for one
			password, err := newPassword()
			if err != nil {
				return err
			}
			w.passwords[u.Username], u.Password = password, password.Reveal()
		}
		made, err := w.admin.CreateUser(ctx, u)
		if err != nil {
			return err
		}
		w.ids[made.Username] = made.ID
	}
	return nil
}

func (w *world) makeProject(ctx context.Context) error {
	appKey, err := newPassword()
	if err != nil {
		return err
	}
	if _, err := w.admin.CreateProject(ctx, api.NewProject{
		Number: project, Name: "Portal", SecurityContext: securityContext, AppKeys: []string{appKey.Reveal()},
	}); err != nil {
		return err
	}
	made, err := w.admin.CreateTokenSet(ctx, project, api.NewTokenSet{Name: "portal"}) // GCM, which is the default
	if err != nil {
		return err
	}
	cipher, err := sealed.New((&sealed.Choice{}).Settings(), secret.Text(made.Key))
	if err != nil {
		return fmt.Errorf("preparing the token set: %w", err)
	}
	w.sealer = &sealer{cipher: cipher, appKey: appKey, now: w.now}
	return nil
}

// makeServices makes three services of the one API, below one host. Each brings the profile of one product before it, so that
// clients of all three find their addresses at the one base URL.
func (w *world) makeServices(ctx context.Context) error {
	readers := []string{"role:" + partner, "user:" + externalApp}
	for _, made := range []struct {
		service    api.NewService
		operations []api.Operation
	}{
		{api.NewService{Name: "reports", PathPrefix: "/", Project: project, Profile: "xdoc"}, []api.Operation{
			{Pattern: "GET /reports/{id}", Audience: readers},
			{Pattern: "POST /reports", Audience: []string{"role:" + partner}},
			{Pattern: "GET /me", Audience: append(readers, "user:"+account)},
			{Pattern: "GET /events", Audience: readers},
			{Pattern: "GET /XDocApi/", Audience: []string{"role:" + partner}},
		}},
		{api.NewService{Name: "users", PathPrefix: "/users", Profile: "bitcanuck"}, []api.Operation{
			{Pattern: "GET /{userId}/reports", Audience: []string{"self:{userId}"}},
		}},
		{api.NewService{Name: "invoices", PathPrefix: "/invoices", Project: project, Profile: "matrix42"}, []api.Operation{
			{Pattern: "GET /{id}", Audience: []string{"role:" + accountant}},
		}},
	} {
		s := made.service
		s.Host, s.Upstream = "127.0.0.1", w.api.url
		if _, err := w.admin.CreateService(ctx, s); err != nil {
			return err
		}
		_, version, err := w.admin.Operations(ctx, s.Name)
		if err != nil {
			return err
		}
		if _, err := w.admin.ReplaceOperations(ctx, s.Name, version, made.operations); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) makePlatform(ctx context.Context) error {
	made, err := w.admin.CreatePlatform(ctx, api.NewPlatform{Name: "Partner", SpeaksFor: []string{"role:" + partner}})
	if err != nil {
		return err
	}
	w.platform = made.Code
	w.signer, err = newSigner(made.PrivateKey, w.now)
	return err
}

func (w *world) makeAPITokens(ctx context.Context) error {
	for _, user := range []string{externalApp, visitor} {
		made, err := w.admin.CreateAPIToken(ctx, api.NewAPIToken{Name: "Worker of " + user, User: user, ExpiresInDays: 1})
		if err != nil {
			return err
		}
		w.apiTokens[user] = client.Secret(made.Token)
	}
	return nil
}

// makePersonalTokens has users make their own, since nobody else can.
func (w *world) makePersonalTokens(ctx context.Context) error {
	for _, user := range []string{alice, visitor} {
		owner, err := client.New(client.Config{BaseURL: w.public, Username: user, Password: w.passwords[user]})
		if err != nil {
			return err
		}
		made, err := owner.RotatePersonalToken(ctx)
		if err != nil {
			return err
		}
		w.personal[user] = client.Secret(made.Token)
	}
	return nil
}

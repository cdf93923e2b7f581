package storetest

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/link"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/session"
)

// Archived is a store whose records can be carried elsewhere, and which can be told that it was put back.
type Archived interface {
	Store
	// Renew does what a renewal asks for to the database as it stands, in one transaction with its event and its row of the feed.
	Renew(ctx context.Context, r *archive.Renewal) (archive.Outcome, error)
}

// Target is a database that records are being loaded into.
type Target interface {
	archive.Target
	// State returns where the target stands, and why it is closed; the zero header where it never was used.
	State(ctx context.Context) (archive.Header, error)
	// Finish brings the schema up to date, and then opens what was loaded, in one transaction with what a renewal asks for, if
	// there is one. It returns ErrGivenUp, and opens nothing, where the load was given up or finished before.
	Finish(ctx context.Context, h archive.Header, r *archive.Renewal) (archive.Outcome, error)
	// GiveUp deletes what the load of a token has loaded, in one transaction. It returns ErrGivenUp, and deletes nothing, where
	// that isn't being loaded.
	GiveUp(ctx context.Context, token string) error
	// Close lets go of the database, finished or not.
	Close() error
}

// Database is one database, and the ways to open it. Each may be called several times; what they return is closed by the test.
type Database struct {
	Open     func(t *testing.T) (Archived, error)
	Snapshot func(t *testing.T) archive.Source
	Target   func(t *testing.T, schema int64, token string) Target
}

// RunArchive holds a store to what carrying its records elsewhere asks of it. Each of its tests calls empty for one or more
// databases that have nothing yet.
func RunArchive(t *testing.T, empty func(t *testing.T) Database) {
	for name, test := range map[string]func(*testing.T, func(*testing.T) Database){
		"carry every record":              testCarry,
		"carry them as of one moment":     testMoment,
		"give the rows after one":         testRowsAfter,
		"go on where a load was broken":   testGoOn,
		"load nothing into what has rows": testNotEmpty,
		"load in place of an unused row":  testUnused,
		"refuse to be used while loading": testClosed,
		"let go of what was given up":     testGiveUp,
		"give no event's number twice":    testSequence,
		"keep references whole":           testReferences,
		"renew with the end of a load":    testFinishRenewed,
		"load what any schema has left":   testSchemas,
	} {
		t.Run("archive/"+name, func(t *testing.T) { test(t, empty) })
	}
	for name, test := range renewTests() {
		t.Run("renew/"+name, func(t *testing.T) { test(t, opened(t, empty(t))) })
	}
}

// opened opens a database to be used, until the test ends.
func opened(t *testing.T, d Database) Archived {
	t.Helper()
	s, err := d.Open(t)
	must(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// full leaves rows in every table.
func full(t *testing.T, s Store) {
	t.Helper()
	ctx := t.Context()
	_, err := s.SetMasterCheck(ctx, []byte{0, 255, 3})
	must(t, err)
	must(t, s.AddPepper(ctx, keyring.WrappedPepper{Version: 1, Wrapped: []byte{4, 0}, CreatedAt: start()}, event(audit.PepperCreate, newID(), start())))
	_, _ = retiredSigningKey(t, s)
	alice, batch := born(t, s, person("alice", "admin", "r"), "$argon2id$"), client(t, s)
	put(t, s, alice.ID, digest(1, 100))
	put(t, s, alice.ID, digest(1, 101))
	_ = logIn(t, s, alice.ID, 50)
	must(t, s.NotePasswordFrom(ctx, alice.ID, "192.0.2.1", start(), 3))
	used := send(t, s, linkOf(alice.ID, link.Login), 300)
	must(t, s.UseLink(ctx, used.ID, event(audit.LinkUse, alice.ID, start())))
	_ = send(t, s, linkOf(alice.ID, link.Invitation), 301)
	_, err = s.KeepTold(ctx, "events", 0, 7)
	must(t, err)
	token := apiToken(batch.ID, "Nightly\té\\")
	token.Limits.Scopes = []string{"a", "b"}
	createAPIToken(t, s, token)
	_, _ = addSecret(t, s, batch.ID, 1), addKey(t, s, batch.ID, 0)
	revocation := accesstoken.Revocation{ID: newID(), Parent: token.ID, Until: start().Add(time.Minute)}
	must(t, s.RevokeAccessToken(ctx, revocation, event(audit.AccessTokenRevoke, revocation.ID, start())))
	must(t, s.UseAssertion(ctx, [32]byte{9}, start()))
	portal := platformOf("portal")
	portal.Issuer, portal.SpeaksFor, portal.NewUserRoles = "https://portal.example", platform.Scope{Roles: []string{"r"}, Users: []uuid.UUID{alice.ID}}, []string{"r", "s"}
	addPlatform(t, s, portal, firstKey(&portal))
	_, _ = addPlatformKey(t, s, portal.ID, 0), addPlatformKey(t, s, portal.ID, 1)
	_, _ = takeToken(t, s, alice.ID, uuid.Nil, 200), takeToken(t, s, alice.ID, portal.ID, 201)
	shop := projectOf(1000)
	shop.AppKeys, shop.AppKeyCount, shop.AllowedIPs = []byte{0, 255, 4}, 1, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	shop = addProject(t, s, shop)
	addSet(t, s, tokenSet(shop.ID, "set"))
	_, run := deleteSet(t, s, addSet(t, s, tokenSet(shop.ID, "deleted")))
	must(t, run())
	comer := person("comer")
	comer.External = account.External{Profile: "prö", ID: "x1", Ref: "ref", Data: "a\tb", Flags: -7}
	_ = comeIn(t, s, born(t, s, comer, "").ID, shop, 51)
	guarded := born(t, s, person("guarded"), "$argon2id$").ID
	_ = addAuthenticator(t, s, guarded, 300)
	must(t, s.SpendGuess(ctx, guarded, time.Time{}, start()))
	_ = addPasskey(t, s, passkeyOf(guarded, "Kéy"), 300)
	reports := api("reports")
	reports.Project = shop.ID
	reports.Route, reports.Rate = route()
	reports.Verifiers = []uuid.UUID{batch.ID}
	setUp(t, s, reports)
	ops := []policy.Operation{{Pattern: "GET /{id}", Audience: []policy.Audience{policy.UserAudience(alice.ID), policy.RoleAudience("r"), policy.SelfAudience("id")}}}
	must(t, s.ReplaceOperations(ctx, reports.ID, 1, ops, event(audit.OperationsReplace, reports.ID, start())))
	must(t, s.AppendRefusals(ctx, []audit.Event{refusal("key", 2, start())}))
	must(t, s.KeepHorizon(ctx, start()))
	_, err = s.NoteIssuer(ctx, "https://tokens.example.com")
	must(t, err)
}

// records are those of full, as each released schema held them, in an archive's lines.
//
//go:embed testdata/records-*.txt
var records embed.FS

// Records returns the records of full in a database that has nothing yet: what is to be kept in testdata when a release ends
// the work on a schema.
func Records(t *testing.T, d Database) []byte {
	t.Helper()
	full(t, opened(t, d))
	source := d.Snapshot(t)
	var lines bytes.Buffer
	w := archive.NewWriter(&lines, "key")
	must(t, errors.Join(archive.Copy(t.Context(), source, w, nil), w.Finish(), source.Close()))
	return lines.Bytes()
}

// testSchemas loads what was kept of each schema, as a backup of that time would be. Whichever store wrote it, this one holds
// the same, by digest; and it is used with the newest schema.
func testSchemas(t *testing.T, empty func(*testing.T) Database) {
	files, err := records.ReadDir("testdata")
	must(t, err)
	for _, file := range files {
		lines, err := records.ReadFile("testdata/" + file.Name())
		must(t, err)
		r, err := archive.NewReader(bytes.NewReader(lines), "key")
		must(t, err)
		d := empty(t)
		target := d.Target(t, r.Header().Schema, "token")
		must(t, archive.Copy(t.Context(), r, target, nil))
		loaded, _ := sums(t, d)
		must(t, archive.Compare(r.Sums(), loaded))
		_, err = target.Finish(t.Context(), r.Header(), nil)
		must(t, errors.Join(err, target.Close()))
		s := opened(t, d)
		u, err := s.UserByName(t.Context(), "alice")
		must(t, err)
		checkLive(t, s, u.ID, digest(1, 101))
		checkRoute(t, s, r.Header().Schema)
		batch := batchAfter(t, s, 0)
		same(t, int64(len(batch.Changes)), batch.Head)
		block(t, s, "bob", start())
	}
}

// checkRoute makes sure of what full has set of the service's route, where the schema had it, and that it has none otherwise.
func checkRoute(t *testing.T, s Store, schema int64) {
	t.Helper()
	var want catalog.Service
	if schema >= 9 {
		want.Route, want.Rate = route()
	}
	got, err := s.Service(t.Context(), "reports")
	must(t, err)
	same(t, got.Route, want.Route)
	same(t, got.Rate, want.Rate)
}

// sums reads all of a database.
func sums(t *testing.T, d Database) ([]archive.Sum, archive.Header) {
	t.Helper()
	from := d.Snapshot(t)
	all, err := archive.Sums(t.Context(), from, nil)
	must(t, errors.Join(err, from.Close()))
	return all, from.Header()
}

// carry copies all records from one database into another, through an archive in memory, and opens that.
func carry(t *testing.T, from, to Database) {
	t.Helper()
	source := from.Snapshot(t)
	var lines bytes.Buffer
	w := archive.NewWriter(&lines, "key")
	must(t, errors.Join(archive.Copy(t.Context(), source, w, nil), w.Finish(), source.Close()))
	r, err := archive.NewReader(&lines, "key")
	must(t, err)
	target := to.Target(t, r.Header().Schema, "token")
	must(t, archive.Copy(t.Context(), r, target, nil))
	_, err = target.Finish(t.Context(), r.Header(), nil)
	must(t, errors.Join(err, target.Close()))
}

// testCarry carries a database with rows in every table: the other is the same, by digest and to whoever uses it.
func testCarry(t *testing.T, empty func(*testing.T) Database) {
	from, to := empty(t), empty(t)
	s := opened(t, from)
	full(t, s)
	want, header := sums(t, from)
	for _, sum := range want {
		if sum.Rows == 0 {
			t.Errorf("the table %s has no rows, and nothing is known of carrying them", sum.Table)
		}
	}
	carry(t, from, to)
	got, after := sums(t, to)
	must(t, archive.Compare(want, got))
	same(t, after.Position, header.Position)
	if after.Schema != header.Schema || after.LastEvent != header.LastEvent || !bytes.Equal(after.MasterCheck, []byte{0, 255, 3}) || after.Closed != "" {
		t.Errorf("got the header %+v, want that of the source, %+v", after, header)
	}
	carried := opened(t, to)
	same(t, readLog(t, carried).events, readLog(t, s).events)
	u, err := carried.UserByName(t.Context(), "alice")
	must(t, err)
	checkLive(t, carried, u.ID, digest(1, 101))
	checkDead(t, carried, digest(1, 100))
	token, err := carried.APITokenByName(t.Context(), "nightly\té\\")
	must(t, err)
	same(t, token.Limits.Scopes, []string{"a", "b"})
	portal, err := carried.PlatformNamed(t.Context(), "https://portal.example")
	must(t, err)
	same(t, portal.SpeaksFor, platform.Scope{Roles: []string{"r"}, Users: []uuid.UUID{u.ID}})
	comer, err := carried.UserByName(t.Context(), "comer")
	must(t, err)
	same(t, comer.External, account.External{Profile: "prö", ID: "x1", Ref: "ref", Data: "a\tb", Flags: -7})
	guarded, err := carried.UserByName(t.Context(), "guarded")
	must(t, err)
	factors, err := carried.Factors(t.Context(), guarded.ID)
	must(t, err)
	if !factors.On() || factors.Codes != 2 || len(factors.Passkeys) != 1 || factors.Passkeys[0].Name != "Kéy" {
		t.Errorf("got the factors %+v, want those of before", factors)
	}
	shop, err := carried.Project(t.Context(), 1000)
	must(t, err)
	same(t, len(shop.Sets), 1)
	in, err := carried.BrowserSessionByDigest(t.Context(), authority.APISession, []keyring.Digest{cookies(1, 51).API})
	must(t, err)
	same(t, in.Sealed, session.SealedOrigin{Project: shop.ID, From: shop.AllowedIPs})
	spoken, err := carried.SessionTokenByDigest(t.Context(), []keyring.Digest{digest(1, 201)})
	must(t, err)
	same(t, spoken.PlatformID, portal.ID)
	block(t, carried, "bob", start()) // and it goes on from there
	same(t, batchAfter(t, carried, header.Position.Revision).Head, header.Position.Revision+1)
}

// testMoment writes between the beginning of a snapshot and its reading: nothing of that is in it.
func testMoment(t *testing.T, empty func(*testing.T) Database) {
	d := empty(t)
	s := opened(t, d)
	full(t, s)
	want, _ := sums(t, d)
	from := d.Snapshot(t)
	block(t, s, "bob", start())
	must(t, s.AppendRefusals(t.Context(), []audit.Event{refusal("later", 1, start())}))
	got, err := archive.Sums(t.Context(), from, nil)
	must(t, errors.Join(err, from.Close()))
	must(t, archive.Compare(want, got))
	if later, _ := sums(t, d); archive.Compare(want, later) == nil {
		t.Error("what was written meanwhile isn't in a later snapshot either")
	}
}

// testRowsAfter asks for the rows of each table after each of its rows.
func testRowsAfter(t *testing.T, empty func(*testing.T) Database) {
	d := empty(t)
	full(t, opened(t, d))
	from := d.Snapshot(t)
	defer func() { must(t, from.Close()) }()
	for _, table := range from.Tables() {
		all := rowsOf(t, from, table, nil)
		if int64(len(all)) != table.Rows {
			t.Errorf("%s: got %d rows, want %d", table.Name, len(all), table.Rows)
		}
		for i, row := range all {
			key := make(archive.Row, len(table.Key))
			for j, name := range table.Key {
				key[j] = row[slices.Index(table.Columns, name)]
			}
			same(t, rowsOf(t, from, table, key), all[i+1:])
		}
	}
}

func rowsOf(t *testing.T, from archive.Source, table archive.Table, after archive.Row) (all []archive.Row) {
	t.Helper()
	for row, err := range from.Rows(t.Context(), table, after) {
		must(t, err)
		all = append(all, row)
	}
	return all
}

// testGoOn breaks a load off after each batch of one row, closes the target as a crash would, and goes on.
func testGoOn(t *testing.T, empty func(*testing.T) Database) {
	from, to := empty(t), empty(t)
	full(t, opened(t, from))
	want, header := sums(t, from)
	for round := 0; ; round++ {
		source, target := from.Snapshot(t), to.Target(t, header.Schema, "token")
		err := archive.Copy(t.Context(), source, &brittle{Target: target, rows: 7}, nil)
		if err == nil {
			_, err = target.Finish(t.Context(), header, nil)
			must(t, errors.Join(err, source.Close(), target.Close()))
			break
		}
		if must(t, errors.Join(source.Close(), target.Close())); !errors.Is(err, errBroken) || round > 20 {
			t.Fatalf("got error %v in round %d, want %v, and an end", err, round, errBroken)
		}
	}
	got, _ := sums(t, to)
	must(t, archive.Compare(want, got))
}

// errBroken is the error of a load that breaks off.
var errBroken = errors.New("the load broke off")

// brittle is a target that takes so many rows and no more, and loses the answer of its last.
type brittle struct {
	Target
	rows int
}

// Load implements archive.Target.
func (b *brittle) Load(ctx context.Context, table archive.Table, rows []archive.Row) error {
	for _, row := range rows {
		if err := b.Target.Load(ctx, table, []archive.Row{row}); err != nil {
			return err
		}
		if b.rows--; b.rows == 0 {
			return errBroken
		}
	}
	return nil
}

// testNotEmpty offers records to databases that have some already.
func testNotEmpty(t *testing.T, empty func(*testing.T) Database) {
	from, used := empty(t), empty(t)
	full(t, opened(t, from))
	born(t, opened(t, used), person("bob"), "")
	before, header := sums(t, used)
	source := from.Snapshot(t)
	defer func() { must(t, source.Close()) }()
	target := used.Target(t, header.Schema, "token")
	if err := archive.Copy(t.Context(), source, target, nil); !errors.Is(err, archive.ErrNotEmpty) {
		t.Errorf("got error %v, want %v", err, archive.ErrNotEmpty)
	}
	if _, err := target.Finish(t.Context(), header, nil); !errors.Is(err, archive.ErrGivenUp) {
		t.Errorf("got error %v from finishing what was never begun, want %v", err, archive.ErrGivenUp)
	}
	must(t, target.Close())
	after, _ := sums(t, used)
	must(t, archive.Compare(before, after))

	// So does what another load has left, once there is a row.
	half := empty(t)
	target = half.Target(t, header.Schema, "one")
	if err := archive.Copy(t.Context(), source, &brittle{Target: target, rows: 5}, nil); !errors.Is(err, errBroken) {
		t.Fatalf("got error %v, want %v", err, errBroken)
	}
	must(t, target.Close())
	target = half.Target(t, header.Schema, "two")
	if err := archive.Copy(t.Context(), source, target, nil); !errors.Is(err, archive.ErrNotEmpty) {
		t.Errorf("got error %v from another load, want %v", err, archive.ErrNotEmpty)
	}
	must(t, target.Close())
}

// testUnused loads into a database that was opened once, and has a row of its own that says who it is.
func testUnused(t *testing.T, empty func(*testing.T) Database) {
	from, to := empty(t), empty(t)
	full(t, opened(t, from))
	s, err := to.Open(t)
	must(t, err)
	own, err := s.Position(t.Context())
	must(t, errors.Join(err, s.Close()))
	carry(t, from, to)
	if _, header := sums(t, to); header.Position.Instance == own.Instance {
		t.Error("the database is still the one that it was")
	}
}

// testClosed tries to use a database that is being loaded: nobody may read of it what counts, and nobody may write.
func testClosed(t *testing.T, empty func(*testing.T) Database) {
	from, to := empty(t), empty(t)
	full(t, opened(t, from))
	source := from.Snapshot(t)
	target := to.Target(t, source.Header().Schema, "token")
	must(t, target.Begin(t.Context(), source.Header(), source.Tables()))
	checkClosed(t, to)
	must(t, archive.Copy(t.Context(), source, target, nil))
	checkClosed(t, to)
	state, err := target.State(t.Context())
	must(t, err)
	if token, ok := archive.Token(state.Closed, archive.Loading); !ok || token != "token" {
		t.Errorf("got the state %+v, want it loading by the token", state)
	}
	_, err = target.Finish(t.Context(), source.Header(), nil)
	must(t, errors.Join(err, target.Close(), source.Close()))
	born(t, opened(t, to), person("bob"), "")
}

// checkClosed makes sure that a database can't be used: it isn't opened, or refuses.
func checkClosed(t *testing.T, d Database) {
	t.Helper()
	s, err := d.Open(t)
	if err == nil {
		_, err = s.ChangesAfter(t.Context(), 0)
		r := person("mallory")
		if writeErr := s.CreateUser(t.Context(), r, "", event(audit.UserCreate, r.ID, start())); !errors.Is(writeErr, feed.ErrClosed) {
			t.Errorf("got error %v from writing, want %v", writeErr, feed.ErrClosed)
		}
		must(t, s.Close())
	}
	if !errors.Is(err, feed.ErrClosed) {
		t.Errorf("got error %v, want %v", err, feed.ErrClosed)
	}
}

// testGiveUp gives up a load while somebody still loads: nothing is left, nothing more is loaded, and nothing is finished.
func testGiveUp(t *testing.T, empty func(*testing.T) Database) {
	from, to := empty(t), empty(t)
	full(t, opened(t, from))
	source := from.Snapshot(t)
	target, other := to.Target(t, source.Header().Schema, "token"), to.Target(t, source.Header().Schema, "other")
	must(t, archive.Copy(t.Context(), source, target, nil))
	if err := other.GiveUp(t.Context(), "other"); !errors.Is(err, archive.ErrGivenUp) {
		t.Errorf("got error %v from giving up another load, want %v", err, archive.ErrGivenUp)
	}
	must(t, other.GiveUp(t.Context(), "token"))
	table := source.Tables()[slices.IndexFunc(source.Tables(), func(t archive.Table) bool { return t.Name == "pepper" })]
	if err := target.Load(t.Context(), table, rowsOf(t, source, table, nil)); !errors.Is(err, archive.ErrGivenUp) {
		t.Errorf("got error %v from loading on, want %v", err, archive.ErrGivenUp)
	}
	if _, err := target.Finish(t.Context(), source.Header(), nil); !errors.Is(err, archive.ErrGivenUp) {
		t.Errorf("got error %v from finishing, want %v", err, archive.ErrGivenUp)
	}
	must(t, errors.Join(source.Close(), target.Close(), other.Close()))
	if used, err := opened(t, to).AnyUser(t.Context()); err != nil || used {
		t.Errorf("got %t, %v, want a database that never had a user", used, err)
	}
}

// testSequence carries a database whose last event was deleted for its age.
func testSequence(t *testing.T, empty func(*testing.T) Database) {
	from, to := empty(t), empty(t)
	s := opened(t, from)
	full(t, s)
	last := readLog(t, s).events
	_, err := s.PruneEvents(t.Context(), start().Add(24*time.Hour))
	must(t, err)
	carry(t, from, to)
	carried := opened(t, to)
	born(t, carried, person("bob"), "")
	if got := readLog(t, carried).events; len(got) != 1 || got[0].Seq <= last[len(last)-1].Seq {
		t.Errorf("got the events %+v, want one after number %d", got, last[len(last)-1].Seq)
	}
}

// testReferences loads a row that refers to one that isn't there: the database itself must refuse.
func testReferences(t *testing.T, empty func(*testing.T) Database) {
	from, to := empty(t), empty(t)
	full(t, opened(t, from))
	source := from.Snapshot(t)
	target := to.Target(t, source.Header().Schema, "token")
	must(t, target.Begin(t.Context(), source.Header(), source.Tables()))
	for _, table := range source.Tables() {
		if table.Name == "personal_token" {
			if err := target.Load(t.Context(), table, rowsOf(t, source, table, nil)); err == nil {
				t.Error("a token was loaded without its user")
			}
			if reached, rows, err := target.Reached(t.Context(), table); err != nil || reached != nil || rows != 0 {
				t.Errorf("got %v, %d rows and error %v, want no row", reached, rows, err)
			}
		}
	}
	must(t, errors.Join(source.Close(), target.Close()))
}

// testFinishRenewed opens what was loaded with everybody suspended: the two are there together.
func testFinishRenewed(t *testing.T, empty func(*testing.T) Database) {
	from, to := empty(t), empty(t)
	full(t, opened(t, from))
	source := from.Snapshot(t)
	target := to.Target(t, source.Header().Schema, "token")
	must(t, archive.Copy(t.Context(), source, target, nil))
	outcome, err := target.Finish(t.Context(), source.Header(), renewal(func(r *archive.Renewal) { r.Suspend = true }))
	must(t, errors.Join(err, target.Close(), source.Close()))
	s := opened(t, to)
	position, err := s.Position(t.Context())
	must(t, err)
	same(t, outcome.Position, position)
	if was := source.Header().Position; position.Epoch != was.Epoch+1 || position.Revision != was.Revision+1 || outcome.Suspended != 5 {
		t.Errorf("got %+v after %+v, want the next epoch, and five users suspended", outcome, was)
	}
	if _, err := s.UserByName(t.Context(), "nobody"); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got error %v, want %v", err, authority.ErrNotFound)
	}
}

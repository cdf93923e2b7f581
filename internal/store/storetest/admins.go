package storetest

import (
	"testing"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
)

func adminTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"keep the last":                testLastAdmin,
		"who doesn't count":            testNoAdmin,
		"let one of two go":            testOneOfTwoAdmins,
		"change users without any":     testWithoutAdmins,
		"let the last change its name": testLastAdminRenamed,
	}
}

// losses are the updates by which an administrator ceases to be one.
func losses() map[string]func(*account.Record) {
	return map[string]func(*account.Record){
		"role":  func(r *account.Record) { r.Roles = []string{"admins"} },
		"block": func(r *account.Record) { r.State = account.Blocked },
		"kind":  func(r *account.Record) { r.Kind = account.Service },
	}
}

// checkLast makes sure that r can't cease to be an administrator in any way.
func checkLast(t *testing.T, s Store, r account.Record) {
	t.Helper()
	for name, lose := range losses() {
		lost := r
		lose(&lost)
		t.Run(name, func(t *testing.T) { refuses(t, s, authority.ErrLastAdmin, update(t, s, lost)) })
	}
	t.Run("delete", func(t *testing.T) { refuses(t, s, authority.ErrLastAdmin, remove(t, s, r.ID)) })
	got, err := s.User(t.Context(), r.ID)
	must(t, err)
	same(t, got, r.User)
	checkHash(t, s, r, "hash")
}

func testLastAdmin(t *testing.T, s Store) {
	checkLast(t, s, born(t, s, person("root", authority.AdminRole), "hash"))
}

// testNoAdmin has administrators beside the last who couldn't log in and undo anything.
func testNoAdmin(t *testing.T, s Store) {
	root := born(t, s, person("root", authority.AdminRole, "other"), "hash")
	born(t, s, person("passwordless", authority.AdminRole), "")
	born(t, s, person("capital", "Admin"), "hash")
	blocked, service := person("blocked", authority.AdminRole), person("service", authority.AdminRole)
	blocked.State, service.Kind = account.Blocked, account.Service
	born(t, s, blocked, "hash")
	born(t, s, service, "hash")
	dead := born(t, s, person("dead", authority.AdminRole), "hash")
	must(t, remove(t, s, dead.ID)())
	checkLast(t, s, root)
}

func testOneOfTwoAdmins(t *testing.T, s Store) {
	last := born(t, s, person("last", authority.AdminRole), "hash")
	for name, lose := range losses() {
		r := born(t, s, person(name, authority.AdminRole), "hash")
		lose(&r)
		must(t, update(t, s, r)())
	}
	r := born(t, s, person("delete", authority.AdminRole), "hash")
	must(t, remove(t, s, r.ID)())
	checkLast(t, s, last)
}

// testWithoutAdmins changes users before there is an administrator: none is lost by it.
func testWithoutAdmins(t *testing.T, s Store) {
	r := born(t, s, person("alice", authority.AdminRole), "")
	r.State = account.Blocked
	must(t, update(t, s, r)())
	must(t, remove(t, s, r.ID)())
}

func testLastAdminRenamed(t *testing.T, s Store) {
	r := born(t, s, person("root", authority.AdminRole), "hash")
	r.Username, r.UsernameKey, r.Roles = "Boss", "boss", []string{authority.AdminRole, "more"}
	must(t, update(t, s, r)())
}

package pg_test

import (
	"testing"

	"github.com/jeton-io/jeton/test/pg"
)

// TestServer has the server survive what the tests of others do to it.
func TestServer(t *testing.T) {
	s := pg.Start(t)
	ask := func(what, want string) {
		t.Helper()
		got, err := s.SQL("postgres", what)
		if err != nil || got != want {
			t.Fatalf("got %q and error %v, want %q", got, err, want)
		}
	}
	ask(`CREATE TABLE kept (n integer); INSERT INTO kept VALUES (7)`, "")
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	ask(`SELECT n FROM kept`, "7")
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := s.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop("fast"); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	ask(`SELECT n FROM kept`, "7")
}

package archive_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/secret"
)

// form is how the sample is written: whoever changes it makes files that no former Jeton reads, and raises its number.
const form = `jeton-archive 1
taken 2026-11-01T12:00:00.123456Z
instance 0190a8f4-0000-7000-8000-000000000001
position 1 4711 -5
schema 6
master 5f0c
event 90210
table empty 0 id id
table thing 3 id id,octets,text,value
table user 2 name name

rows empty
end empty 0 3d6b500226353fac1503bc0e714dcf72c5973e503d66d943dcdc4a3a57f5f8a3
rows thing
` + "-1\tx\t'\t~\n0\tx00ff\t'a\\tb\\nc\\\\d\t5\n9\t~\t'é\x00\r'~\t'5\n" +
	`end thing 3 24e82f976a87b2153317aebc62558ca9d16b2280d3f385a25a16a5d12b5d1c39
rows user
'alice
'bob
end user 2 96a4c590d05fd69782d2b1a318b756c68a96899f4174da2c25c7585205483b83
end 3 5 b251d0d7fc5cc750922f769ccb3162780983e3346411532167d594a1628d5959
seal e4ea8af4749a7adcc3f65f6117adfb5998c75a3b6215745446b78f336b1d9bf8
`

// written returns the lines of an archive of a database.
func written(t testing.TB, from archive.Source) string {
	t.Helper()
	var b bytes.Buffer
	w := archive.NewWriter(&b, key)
	if err := errors.Join(archive.Copy(t.Context(), from, w, nil), w.Finish()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// read reads an archive to its end, into a database in memory.
func read(t testing.TB, text string, key secret.Text) (*memory, error) {
	t.Helper()
	r, err := archive.NewReader(strings.NewReader(text), key)
	if err != nil {
		return nil, err
	}
	into := &memory{tables: slices.Clone(r.Tables()), rows: map[string][]archive.Row{}}
	for i := range into.tables {
		into.tables[i].Rows = 0
	}
	if err := archive.Copy(t.Context(), r, into, nil); err != nil {
		return nil, err
	}
	if diff := cmp.Diff(r.Sums(), sums(t, into)); diff != "" {
		t.Errorf("other sums than those of what was read (-reader +rows):\n%s", diff)
	}
	return into, nil
}

func TestForm(t *testing.T) {
	got := written(t, sample())
	if got != form {
		t.Errorf("another form than before (-want +got):\n%s", cmp.Diff(form, got))
	}
	back, err := read(t, got, key)
	if err != nil {
		t.Fatal(err)
	}
	want := sample()
	if diff := cmp.Diff(want.header, back.header); diff != "" {
		t.Errorf("another header (-written +read):\n%s", diff)
	}
	if diff := cmp.Diff(want.tables, back.tables); diff != "" {
		t.Errorf("other tables (-written +read):\n%s", diff)
	}
	delete(want.rows, "empty")
	want.rows["thing"][2][1] = nil // not empty bytes
	if diff := cmp.Diff(want.rows, back.rows); diff != "" {
		t.Errorf("other rows (-written +read):\n%s", diff)
	}
}

// TestTampering alters an archive line by line. What was written is read; what was altered is refused, for the reason wanted.
func TestTampering(t *testing.T) {
	const row = "-1\tx\t'\t~"
	replace := func(old, with string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, with, 1) }
	}
	swap := func(a, b string) func(string) string {
		return func(s string) string {
			return strings.Replace(strings.Replace(strings.Replace(s, a, "\x01", 1), b, a, 1), "\x01", b, 1)
		}
	}
	cutAfter := func(text string) func(string) string {
		return func(s string) string { return s[:strings.Index(s, text)+len(text)] }
	}
	tests := []struct {
		name  string
		alter func(string) string
		want  error
	}{
		{"nothing", func(string) string { return "" }, archive.ErrForeign},
		{"another beginning", replace("jeton-archive", "jeton-journal"), archive.ErrForeign},
		{"a newer form", replace("jeton-archive 1", "jeton-archive 2"), archive.ErrNewer},
		{"a line break of another system", replace("\n", "\r\n"), archive.ErrForeign},
		{"another time", replace("taken 2026", "taken 2025"), archive.ErrDamaged},
		{"a time in another form", replace(".123456Z", ".123456+00:00"), archive.ErrDamaged},
		{"another instance", replace("8000-000000000001", "8000-000000000002"), archive.ErrDamaged},
		{"an instance in another form", replace("instance 0190a8f4-0000-7000-8000-000000000001", "instance 0190A8F4-0000-7000-8000-000000000001"), archive.ErrDamaged},
		{"a later revision", replace("position 1 4711", "position 1 4712"), archive.ErrDamaged},
		{"a number with a sign", replace("position 1", "position +1"), archive.ErrDamaged},
		{"a number less", replace(" 4711 -5", " 4711"), archive.ErrDamaged},
		{"a word more", replace("schema 6", "schema 6 7"), archive.ErrDamaged},
		{"another schema", replace("schema 6", "schema 5"), archive.ErrDamaged},
		{"another check value", replace("master 5f", "master 5e"), archive.ErrDamaged},
		{"a check value in capitals", replace("5f0c", "5F0C"), archive.ErrDamaged},
		{"a line of the head less", replace("event 90210\n", ""), archive.ErrDamaged},
		{"lines of the head in another order", swap("schema 6", "event 90210"), archive.ErrDamaged},
		{"no table", func(s string) string { return s[:strings.Index(s, "table")] + "\n" }, archive.ErrDamaged},
		{"a table less", replace("table empty 0 id id\n", ""), archive.ErrDamaged},
		{"a table twice", replace("table empty 0 id id\n", "table empty 0 id id\ntable empty 0 id id\n"), archive.ErrDamaged},
		{"tables in another order in the head", swap("table empty 0 id id", "table user 2 name name"), archive.ErrDamaged},
		{"a statement for a table's name", replace("table empty", `table empty";drop`), archive.ErrDamaged},
		{"a key that is no column", replace("user 2 name name", "user 2 id name"), archive.ErrDamaged},
		{"columns in another order", replace("id,octets,text,value", "octets,id,text,value"), archive.ErrDamaged},
		{"another column", replace("id,octets,text,value", "id,octets,text,valuf"), archive.ErrDamaged},
		{"another number of rows in the head", replace("table user 2", "table user 3"), archive.ErrDamaged},
		{"an endless head", replace("\n\n", strings.Repeat("\nevent 1", 2000)+"\n\n"), archive.ErrDamaged},
		{"a row less", replace(row+"\n", ""), archive.ErrDamaged},
		{"a row twice", replace(row, row+"\n"+row), archive.ErrDamaged},
		{"rows in another order", swap("'alice", "'bob"), archive.ErrDamaged},
		{"a row in another table", func(s string) string { return replace("rows user\n", "rows user\n'bob\n")(replace("'bob\n", "")(s)) }, archive.ErrDamaged},
		{"another integer", replace("9\t~", "8\t~"), archive.ErrDamaged},
		{"an integer for a text", replace("'5", "5"), archive.ErrDamaged},
		{"NULL for an empty text", replace("x\t'\t~", "x\t~\t~"), archive.ErrDamaged},
		{"a value less", replace(row, "-1\tx\t'"), archive.ErrDamaged},
		{"a value more", replace(row, row+"\t~"), archive.ErrDamaged},
		{"no value", replace(row, "-1\t\t'\t~"), archive.ErrDamaged},
		{"an integer with a zero before it", replace(row, "-01\tx\t'\t~"), archive.ErrDamaged},
		{"an integer too large", replace(row, "9223372036854775808\tx\t'\t~"), archive.ErrDamaged},
		{"bytes in capitals", replace("x00ff", "x00FF"), archive.ErrDamaged},
		{"half a byte", replace("x00ff", "x00f"), archive.ErrDamaged},
		{"an unknown escape", replace(`c\\d`, `c\rd`), archive.ErrDamaged},
		{"half an escape", replace("'alice", `'alice\`), archive.ErrDamaged},
		{"an empty line", replace("'bob\n", "'bob\n\n"), archive.ErrDamaged},
		{"an end less", func(s string) string {
			i := strings.Index(s, "end thing")
			return s[:i] + s[i+strings.Index(s[i:], "\n")+1:]
		}, archive.ErrDamaged},
		{"another number of rows", replace("end user 2", "end user 3"), archive.ErrDamaged},
		{"another digest", func(s string) string { i := strings.Index(s, "end user 2 ") + 11; return s[:i] + "00" + s[i+2:] }, archive.ErrDamaged},
		{"another table begun", replace("rows user", "rows thing"), archive.ErrDamaged},
		{"another number of tables", replace("end 3 5 ", "end 2 5 "), archive.ErrDamaged},
		{"another digest of all", func(s string) string { i := strings.Index(s, "end 3 5 ") + 8; return s[:i] + "00" + s[i+2:] }, archive.ErrDamaged},
		{"no seal", func(s string) string { return s[:strings.Index(s, "seal ")] }, archive.ErrDamaged},
		{"half a seal", func(s string) string { return s[:len(s)-33] + "\n" }, archive.ErrDamaged},
		{"another seal", func(s string) string { i := strings.Index(s, "seal ") + 5; return s[:i] + "00" + s[i+2:] }, archive.ErrForeign},
		{"cut in the head", cutAfter("schema 6"), archive.ErrDamaged},
		{"cut after the head", cutAfter("\n\n"), archive.ErrDamaged},
		{"cut within a row", cutAfter("'ali"), archive.ErrDamaged},
		{"cut between rows", cutAfter("'alice\n"), archive.ErrDamaged},
		{"cut between tables", cutAfter("rows thing\n"), archive.ErrDamaged},
		{"the last line break missing", func(s string) string { return s[:len(s)-1] }, archive.ErrDamaged},
		{"something after it", func(s string) string { return s + "\n" }, archive.ErrDamaged},
		{"another after it", func(s string) string { return s + s }, archive.ErrDamaged},
	}
	whole := written(t, sample())
	if _, err := read(t, whole, key); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		altered := tt.alter(whole)
		if altered == whole {
			t.Errorf("%s: nothing was altered", tt.name)
		}
		if _, err := read(t, altered, key); !errors.Is(err, tt.want) {
			t.Errorf("%s: got error %v, want %v", tt.name, err, tt.want)
		}
	}
	for i := range len(whole) - 1 {
		if _, err := read(t, whole[:i], key); err == nil {
			t.Errorf("cut after %d bytes of %d: got no error, want one", i, len(whole))
		}
	}
}

// TestSeal has an archive that is right in itself, of somebody without the master key.
func TestSeal(t *testing.T) {
	whole := written(t, sample())
	for name, tt := range map[string]struct {
		key  secret.Text
		want error
	}{
		"the same key": {key, nil},
		"another key":  {key + "!", archive.ErrForeign},
		"none asked":   {"", nil},
	} {
		if _, err := read(t, whole, tt.key); !errors.Is(err, tt.want) {
			t.Errorf("%s: got error %v, want %v", name, err, tt.want)
		}
	}
}

// TestReaderIsReadOnce asks for tables in another order than they come in, and again.
func TestReaderIsReadOnce(t *testing.T) {
	for name, ask := range map[string]struct {
		tables []string
		after  archive.Row
		want   bool
	}{
		"in order":     {[]string{"empty", "thing", "user"}, nil, true},
		"one left out": {[]string{"empty", "user"}, nil, false},
		"twice":        {[]string{"empty", "empty"}, nil, false},
		"too many":     {[]string{"empty", "thing", "user", "user"}, nil, false},
		"from a row":   {[]string{"empty"}, archive.Row{int64(1)}, false},
	} {
		r, err := archive.NewReader(strings.NewReader(written(t, sample())), key)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range ask.tables {
			for _, rowErr := range r.Rows(t.Context(), archive.Table{Name: table}, ask.after) {
				err = errors.Join(err, rowErr)
			}
		}
		if (err == nil) != ask.want {
			t.Errorf("%s: got error %v, want rows %t", name, err, ask.want)
		}
	}
	// Whoever stops in the middle gets no more.
	r, err := archive.NewReader(strings.NewReader(written(t, sample())), key)
	if err != nil {
		t.Fatal(err)
	}
	for row, err := range r.Rows(t.Context(), r.Tables()[0], nil) {
		t.Errorf("got %v, %v of a table without rows", row, err)
	}
	for _, err := range r.Rows(t.Context(), r.Tables()[1], nil) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	for _, err := range r.Rows(t.Context(), r.Tables()[2], nil) {
		if err == nil {
			t.Error("got a row after rows that weren't read, want an error")
		}
	}
}

// TestLastRowWaits holds back the last row until the end was found to be right: a target that takes rows one by one has none
// of them whole.
func TestLastRowWaits(t *testing.T) {
	whole := written(t, sample())
	cut := whole[:strings.Index(whole, "seal ")]
	r, err := archive.NewReader(strings.NewReader(cut), key)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, table := range r.Tables() {
		for row, rowErr := range r.Rows(t.Context(), table, nil) {
			if err = rowErr; err == nil && table.Name == "user" {
				names = append(names, fmt.Sprint(row[0]))
			}
		}
	}
	if !errors.Is(err, archive.ErrDamaged) || !slices.Equal(names, []string{"alice"}) {
		t.Errorf("got %v and error %v, want all but the last row, and %v", names, err, archive.ErrDamaged)
	}
}

func TestWriterRefuses(t *testing.T) {
	table := sample().tables[1]
	begun := func(w *archive.Writer) error { return w.Begin(t.Context(), sample().header, sample().tables) }
	for name, do := range map[string]func(w *archive.Writer) error{
		"rows before the head":   func(w *archive.Writer) error { return w.Load(t.Context(), table, nil) },
		"an end before the head": func(w *archive.Writer) error { return w.Finish() },
		"no table":               func(w *archive.Writer) error { return w.Begin(t.Context(), sample().header, nil) },
		"a head twice":           func(w *archive.Writer) error { return errors.Join(begun(w), begun(w)) },
		"too few rows":           func(w *archive.Writer) error { return errors.Join(begun(w), w.Finish()) },
		"a value less": func(w *archive.Writer) error {
			return errors.Join(begun(w), w.Load(t.Context(), table, []archive.Row{{int64(1)}}))
		},
		"a value of another sort": func(w *archive.Writer) error {
			return errors.Join(begun(w), w.Load(t.Context(), table, []archive.Row{{int64(1), nil, "", 1.5}}))
		},
		"a table that has gone by": func(w *archive.Writer) error {
			user, bob := sample().tables[2], []archive.Row{{"bob"}}
			return errors.Join(begun(w), w.Load(t.Context(), user, bob), w.Load(t.Context(), table, nil))
		},
		"a text that is too long": func(w *archive.Writer) error {
			return errors.Join(begun(w), w.Load(t.Context(), table, []archive.Row{{int64(1), nil, strings.Repeat("a", 16<<20), nil}}))
		},
	} {
		if err := do(archive.NewWriter(&bytes.Buffer{}, key)); err == nil {
			t.Errorf("%s: got no error, want one", name)
		}
	}
	if err := begun(archive.NewWriter(&bytes.Buffer{}, "")); err == nil {
		t.Error("got no error without a key, want one")
	}
}

// FuzzReader gives the reader anything. What it takes is written anew in the same form: one archive has one form.
func FuzzReader(f *testing.F) {
	f.Add(written(f, sample()))
	f.Add(form)
	f.Fuzz(func(t *testing.T, text string) {
		into, err := read(t, text, "")
		if err != nil {
			return
		}
		if again := written(t, into); again[:strings.LastIndex(again, "seal ")] != text[:strings.LastIndex(text, "seal ")] {
			t.Errorf("got an archive in another form than it is written:\n%s\n%s", text, again)
		}
	})
}

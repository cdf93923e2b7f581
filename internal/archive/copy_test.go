package archive_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/archive"
)

// TestCopyGoesOn interrupts a copy after each batch, whether or not the batch was stored, and goes on until all is there.
func TestCopyGoesOn(t *testing.T) {
	for name, persists := range map[string]bool{"a batch lost": false, "a batch stored, and its answer lost": true} {
		from := many(4321)
		into := from.empty()
		into.failAfter, into.persists = 1, persists
		interrupted := 0
		for {
			into.loads = 0
			err := archive.Copy(t.Context(), from, into, nil)
			if err == nil {
				break
			}
			if interrupted++; !errors.Is(err, errDown) || interrupted > 10 {
				t.Fatalf("%s: got error %v after %d interruptions, want %v", name, err, interrupted, errDown)
			}
		}
		into.failAfter = 0
		if err := archive.Compare(sums(t, from), sums(t, into)); err != nil || interrupted < 2 {
			t.Errorf("%s: got error %v after %d interruptions, want all rows after several", name, err, interrupted)
		}
	}
}

func TestCopyTellsProgress(t *testing.T) {
	from := many(2500)
	var told []int64
	report := func(p archive.Progress) {
		if p.Total != 2500 || p.Doing != "copying" {
			t.Errorf("got %+v, want 2500 rows in all", p)
		}
		told = append(told, p.Done)
	}
	if err := archive.Copy(t.Context(), from, from.empty(), report); err != nil || !slices.Equal(told, []int64{1000, 2000, 2500}) {
		t.Errorf("got %v told and error %v, want each thousand, and the end", told, err)
	}
	// What was there before counts as done.
	into := from.empty()
	into.failAfter = 2
	_ = archive.Copy(t.Context(), from, into, nil)
	into.failAfter, told = 0, nil
	if err := archive.Copy(t.Context(), from, into, report); err != nil || told[len(told)-1] != 2500 {
		t.Errorf("got %v told and error %v, want all rows in the end", told, err)
	}
}

func TestCopyRefuses(t *testing.T) {
	other := sample().empty()
	other.tables = other.tables[1:]
	if err := archive.Copy(t.Context(), sample(), other, nil); err == nil {
		t.Error("got no error from a target that lacks a table, want one")
	}
	into := sample().empty()
	if err := archive.Copy(t.Context(), sample(), into, nil); err != nil {
		t.Fatal(err)
	}
	later := sample()
	later.header.Position.Revision++
	if err := archive.Copy(t.Context(), later, into, nil); !errors.Is(err, archive.ErrNotEmpty) {
		t.Errorf("got error %v, want %v", err, archive.ErrNotEmpty)
	}
}

func TestCompare(t *testing.T) {
	changed := func(change func(m *memory)) []archive.Sum {
		m := sample()
		change(m)
		m.count()
		return sums(t, m)
	}
	for name, tt := range map[string]struct {
		change func(m *memory)
		want   error
	}{
		"the same":                 {func(*memory) {}, nil},
		"tables in another order":  {func(m *memory) { slices.Reverse(m.tables) }, nil},
		"a table less":             {func(m *memory) { m.tables = m.tables[1:] }, archive.ErrDiffers},
		"another table":            {func(m *memory) { m.tables[0].Name = "emptier" }, archive.ErrDiffers},
		"another column":           {func(m *memory) { m.tables[1].Columns = []string{"id", "octets", "text", "valuf"} }, archive.ErrDiffers},
		"a row less":               {func(m *memory) { m.rows["user"] = m.rows["user"][1:] }, archive.ErrDiffers},
		"another value":            {func(m *memory) { m.rows["user"][1][0] = "bobby" }, archive.ErrDiffers},
		"a value of another sort":  {func(m *memory) { m.rows["thing"][2][3] = int64(5) }, archive.ErrDiffers},
		"values divided otherwise": {func(m *memory) { m.rows["user"] = []archive.Row{{"ali"}, {"cebob"}} }, archive.ErrDiffers},
	} {
		if err := archive.Compare(sums(t, sample()), changed(tt.change)); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: got error %v, want %v", name, err, tt.want)
		}
	}
}

func TestOrder(t *testing.T) {
	for name, tt := range map[string]struct {
		refersTo map[string][]string
		want     []string
	}{
		"by name":                    {nil, []string{"a", "b", "c"}},
		"after what it refers to":    {map[string][]string{"a": {"c"}}, []string{"b", "c", "a"}},
		"after all it refers to":     {map[string][]string{"a": {"b", "c"}, "b": {"c"}}, []string{"c", "b", "a"}},
		"what refers to itself":      {map[string][]string{"a": {"a"}}, nil},
		"what refers to one another": {map[string][]string{"a": {"b"}, "b": {"a"}}, nil},
	} {
		ordered, err := archive.Order([]archive.Table{{Name: "c"}, {Name: "a"}, {Name: "b"}}, tt.refersTo)
		var got []string
		for _, table := range ordered {
			got = append(got, table.Name)
		}
		if !slices.Equal(got, tt.want) || (err == nil) != (tt.want != nil) {
			t.Errorf("%s: got %v and error %v, want %v", name, got, err, tt.want)
		}
	}
}

func TestSameTables(t *testing.T) {
	table := func(name string, columns ...string) archive.Table {
		return archive.Table{Name: name, Key: columns[:1], Columns: columns}
	}
	source := []archive.Table{table("a", "id", "x"), table("b", "id")}
	for name, tt := range map[string]struct {
		target []archive.Table
		want   bool
	}{
		"the same":         {source, true},
		"in another order": {[]archive.Table{source[1], source[0]}, true},
		"with rows":        {[]archive.Table{{Name: "a", Key: []string{"id"}, Columns: []string{"id", "x"}, Rows: 5}, source[1]}, true},
		"a table less":     {source[:1], false},
		"a table more":     {append(slices.Clone(source), table("c", "id")), false},
		"a column less":    {[]archive.Table{table("a", "id"), source[1]}, false},
		"a column more":    {[]archive.Table{table("a", "id", "x", "y"), source[1]}, false},
		"another key":      {[]archive.Table{table("a", "x", "id"), source[1]}, false},
	} {
		if err := archive.SameTables(source, tt.target); (err == nil) != tt.want {
			t.Errorf("%s: got error %v, want none %t", name, err, tt.want)
		}
	}
}

func TestSums(t *testing.T) {
	failing := sample()
	failing.failAfter = 1
	if got, err := archive.Sums(t.Context(), failing, nil); !errors.Is(err, errDown) || got != nil {
		t.Errorf("got %v and error %v, want nothing but %v", got, err, errDown)
	}
	want := []int64{0, 3, 2}
	var got []int64
	for _, s := range sums(t, sample()) {
		got = append(got, s.Rows)
	}
	if diff := cmp.Diff(want, got); diff != "" || archive.Rows(sums(t, sample())) != 5 {
		t.Errorf("other numbers of rows (-want +got):\n%s", diff)
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{"": "", "é\t\n": "é\t\n", "a\x00b": "a\uFFFDb", "a\x80\xffb": "a\uFFFDb"} {
		if got := archive.Text(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

package postgres_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"testing"

	"github.com/jeton-io/jeton/internal/store/sqlite"
)

// columnsOfSQLite returns the tables and columns that a new SQLite database has.
func columnsOfSQLite(t *testing.T) (columns []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jeton.db")
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, Now: now, Reserve: 1})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer func() { must(t, db.Close()) }()
	rows, err := db.QueryContext(t.Context(), `
SELECT t.name || '.' || c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> 'schema_migrations'`)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		must(t, rows.Scan(&name))
		columns = append(columns, name)
	}
	must(t, rows.Err())
	slices.Sort(columns)
	return columns
}

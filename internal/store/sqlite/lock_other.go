//go:build !unix

package sqlite

// alone runs do. Where there is no such lock, only one process may be started at a time on a new database.
func alone(_ string, do func() error) error { return do() }

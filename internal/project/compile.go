package project

import "context"

// table is every living project, compiled. It never changes.
type table struct{}

// Reload compiles the projects that the database holds now. On an error the former ones stay in force.
func (p *Projects) Reload(ctx context.Context) error { return nil }

type failures struct{}

type uses struct{}

type work struct{}

func accountName(int) string { return "" }

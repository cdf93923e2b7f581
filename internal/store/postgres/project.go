package postgres

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/project"
)

const (
	selectProject = `
SELECT id, number, name, security_context, context_required, token_required, app_keys, app_key_count, allowed_ips, max_age, create_users,
	new_user_roles, service_account_id, version, created_at, updated_at
FROM project WHERE deleted_at IS NULL`
	selectProjectByNumber = selectProject + ` AND number = $1`
	selectProjectsAfter   = selectProject + ` AND number > $1 ORDER BY number LIMIT $2`
	selectProjects        = selectProject + ` ORDER BY number`

	selectTokenSet = `
SELECT id, project_id, name, active, mode, key_size, padding, iv, iv_expansion, derivation, salt, hash, iterations, wrapped, one_time,
	version, created_at, updated_at, last_used_at, coalesce(last_used_ip, '')
FROM token_set WHERE deleted_at IS NULL`
	selectTokenSetsOf = selectTokenSet + ` AND project_id = $1 ORDER BY created_at, id`
	selectTokenSets   = selectTokenSet + ` ORDER BY created_at, id`
)

// scanProject reads a row of selectProject.
func scanProject(row scanner) (p project.Project, err error) {
	var from, roles string
	var seconds int64
	err = row.Scan(idColumn{&p.ID}, &p.Number, &p.Name, &p.SecurityContext, &p.ContextRequired, &p.TokenRequired, &p.AppKeys, &p.AppKeyCount,
		&from, &seconds, &p.CreateUsers, &roles, idColumn{&p.ServiceAccount}, &p.Version, timeColumn{&p.CreatedAt}, timeColumn{&p.UpdatedAt})
	if err == nil {
		if roles != "" {
			p.NewUserRoles = strings.Split(roles, ",")
		}
		p.MaxAge = time.Duration(seconds) * time.Second
		p.AllowedIPs, err = parsePrefixes(from)
	}
	return p, err
}

// scanTokenSet reads a row of selectTokenSet.
func scanTokenSet(row scanner) (s project.TokenSet, err error) {
	err = row.Scan(idColumn{&s.ID}, idColumn{&s.ProjectID}, &s.Name, &s.Active, &s.Mode, &s.KeySize, &s.Padding, &s.IV, &s.IVExpansion,
		&s.Derivation, &s.Salt, &s.Hash, &s.Iterations, &s.Key, &s.OneTime, &s.Version, timeColumn{&s.CreatedAt}, timeColumn{&s.UpdatedAt},
		timeColumn{&s.LastUsedAt}, &s.LastUsedIP)
	return s, err
}

// Projects implements project.Store. The cursor is a number of which there is one, so that projects made or deleted between two
// pages shift nothing.
func (s *Store) Projects(ctx context.Context, after, limit int) ([]project.Project, error) {
	projects, err := all(ctx, s, scanProject, selectProjectsAfter, after, limit)
	if err != nil {
		return nil, fmt.Errorf("listing projects: %w", err)
	}
	return projects, nil
}

// Project implements project.Store. Project and sets are of one moment.
func (s *Store) Project(ctx context.Context, number int) (e project.Entry, err error) {
	err = s.view(ctx, func(ctx context.Context, snapshot pgx.Tx) (err error) {
		if e.Project, err = scanProject(snapshot.QueryRow(ctx, selectProjectByNumber, number)); err != nil {
			return err
		}
		e.Sets, err = collect(ctx, snapshot, scanTokenSet, selectTokenSetsOf, raw(e.ID))
		return err
	})
	if err != nil {
		return project.Entry{}, fmt.Errorf("reading project: %w", kindOf(err))
	}
	return e, nil
}

// AllProjects implements project.Store. It reads everything with two selects, however many projects there are: each node does so
// after every change of any of them.
func (s *Store) AllProjects(ctx context.Context) (entries []project.Entry, err error) {
	err = s.view(ctx, func(ctx context.Context, snapshot pgx.Tx) error {
		projects, err := collect(ctx, snapshot, scanProject, selectProjects)
		if err != nil {
			return err
		}
		sets, err := collect(ctx, snapshot, scanTokenSet, selectTokenSets)
		entries = withSets(projects, sets)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading all projects: %w", kindOf(err))
	}
	return entries, nil
}

// withSets gives each project those of the sets that are its own, in their order.
func withSets(projects []project.Project, sets []project.TokenSet) (entries []project.Entry) {
	of := make(map[uuid.UUID][]project.TokenSet, len(projects))
	for _, s := range sets {
		of[s.ProjectID] = append(of[s.ProjectID], s)
	}
	for _, p := range projects {
		entries = append(entries, project.Entry{Project: p, Sets: of[p.ID]})
	}
	return entries
}

// parsePrefixes reads addresses joined by commas. One that can't be read is a fault: left out, it would admit more.
func parsePrefixes(s string) (networks []netip.Prefix, err error) {
	for text := range strings.SplitSeq(s, ",") {
		if s == "" {
			break
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("reading the addresses of a project: %w", err)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// prefixes returns addresses as parsePrefixes reads them.
func prefixes(networks []netip.Prefix) string {
	texts := make([]string, len(networks))
	for i, network := range networks {
		texts[i] = network.String()
	}
	return strings.Join(texts, ",")
}

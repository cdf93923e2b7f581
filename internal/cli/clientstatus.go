package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

// clientStatus tells what is kept, without asking Jeton: whether it works, jeton client token tells.
func (p *program) clientStatus() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show which API tokens are kept on this machine",
		Long: `Show which API tokens are kept on this machine: the ID that Jeton's records
have, until when each is valid by its own words, and where its key is. Jeton
isn't asked.`,
		Example: "  jeton client status",
	}
	cmd.RunE = p.run(func(cmd *cobra.Command, _ []string) error {
		s, err := p.safe()
		if err != nil {
			return err
		}
		servers, err := s.servers()
		if err != nil {
			return err
		}
		if p.url != "" || p.vars[varURL] != "" {
			servers = []string{canonical(p.baseURL())}
		}
		if len(servers) == 0 {
			return p.notLoggedIn("")
		}
		return p.showKept(cmd.Context(), s, servers)
	})
	return p.at(cmd, "all")
}

// showKept lists what is kept for servers. One that can't be opened doesn't hide the others: it is told of at the end.
func (p *program) showKept(ctx context.Context, s *safe, servers []string) error {
	var first error
	items, rows := []map[string]any{}, [][]string{}
	for _, server := range servers {
		token, at, err := p.open(ctx, s, server)
		if first == nil {
			first = err
		}
		if errors.Is(err, errNotKept) {
			continue
		}
		c, item := readClaims(token), map[string]any{"url": server}
		if err == nil {
			item["id"], item["key"] = c.id, string(at)
		}
		if !c.expires.IsZero() {
			item["expires_at"] = c.expires
		}
		items = append(items, item)
		rows = append(rows, []string{server, c.id, c.life(p.env.Now()), string(at)})
	}
	if len(rows) == 0 {
		return first
	}
	err := p.show(map[string]any{"items": items}, func() { p.table([]string{"SERVER", "API TOKEN", "EXPIRES", "KEY"}, rows) })
	return errors.Join(err, first)
}

// clientLogout removes an API token from this machine, and its key.
func (p *program) clientLogout() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "logout",
		Short:   "Remove an API token from this machine",
		Long:    "Remove an API token and its key from this machine. Jeton still takes it.",
		Example: "  jeton client logout --url https://tokens.example.com",
	}
	cmd.RunE = p.run(func(cmd *cobra.Command, _ []string) error {
		s, err := p.safe()
		if err != nil {
			return err
		}
		server, err := p.server(s)
		if err != nil {
			return err
		}
		switch err := s.remove(cmd.Context(), server); {
		case errors.Is(err, errNotKept):
			return p.notLoggedIn(server)
		case err != nil:
			return err
		}
		p.say("Removed the API token for %s from this machine.", server)
		p.hint("Jeton still takes it from who else has it: an administrator can disable or delete it.")
		return nil
	})
	return p.at(cmd, "the one that there is an API token for")
}

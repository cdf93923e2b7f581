package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// serviceOperations prints the operations in the order in which they are kept. Order means nothing to the policy, where
// the more specific pattern wins; it is kept so that a file that was written by hand comes back as it was.
func (p *program) serviceOperations() *cobra.Command {
	return &cobra.Command{
		Use:     "operations NAME",
		Short:   "List the operations of a service, and who may call each",
		Example: "  jeton service operations reports\n  jeton service operations reports --output json > reports.json",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			ops, _, err := c.Operations(ctx, args[0])
			if err != nil {
				return noService(err, args[0])
			}
			return p.showOperations(ops)
		}),
	}
}

// showOperations prints operations; as JSON, in the form that set-operations reads.
func (p *program) showOperations(ops []api.Operation) error {
	return p.show(ops, func() {
		rows := make([][]string, len(ops))
		for i, op := range ops {
			rows[i] = []string{op.Pattern, nobodyOr(op.Audience), op.Scope}
		}
		p.table([]string{"PATTERN", "AUDIENCE", "SCOPE"}, rows)
	})
}

// nobodyOr writes an audience. That there is none is written out: a gap in a table might pass for "everybody".
func nobodyOr(audience []string) string {
	if len(audience) == 0 {
		return "(nobody)"
	}
	return strings.Join(audience, " ")
}

// serviceSetOperations is for those who keep their policy in a file, under version control. What the file says replaces
// what is there, also what somebody has changed by hand since: the file is the truth then.
func (p *program) serviceSetOperations() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "set-operations NAME",
		Short: "Replace all operations of a service by those of a file",
		Long: `Replace all operations of a service by those of a file: a JSON array, as
jeton service operations prints it with --output json.`,
		Example: "  jeton service set-operations reports --file reports.json\n  generate-operations | jeton service set-operations reports --file -",
	}
	cmd.Flags().StringVar(&file, "file", "", "JSON file, or - for standard input")
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		if file == "" {
			return lacks(cmd, "file")
		}
		return p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			ops, err := p.operationsFrom(ctx, file)
			if err != nil {
				return err
			}
			result, err := edit(ctx, c, args[0], func([]api.Operation) []api.Operation { return ops })
			if err != nil {
				return noService(err, args[0])
			}
			return p.show(result, func() { p.say("The service %s has %d operations.", args[0], len(result)) })
		})(cmd, args)
	})
	return cmd
}

// maxOperationsFile bounds a file of operations, in bytes: Jeton takes a megabyte.
const maxOperationsFile = 4 << 20

// operationsFrom reads operations from a file, or from stdin where the file is "-". It refuses what Jeton would refuse,
// and null besides, which a program that failed may well print, and which would leave nobody with any access.
func (p *program) operationsFrom(ctx context.Context, file string) ([]api.Operation, error) {
	b, err := await(ctx, func() ([]byte, error) {
		if file == "-" {
			return io.ReadAll(io.LimitReader(p.stdin, maxOperationsFile))
		}
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		return io.ReadAll(io.LimitReader(f, maxOperationsFile))
	})
	if err != nil {
		return nil, fmt.Errorf("reading operations: %w", err)
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields() // a misspelt "audience" would make an operation for nobody
	var ops []api.Operation
	if err := d.Decode(&ops); err != nil {
		return nil, fmt.Errorf("reading operations: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || ops == nil {
		return nil, errors.New("reading operations: the file is not one JSON array")
	}
	return ops, nil
}

// edit changes the operations of a service: change gets those that are there and returns what they are to be, or nil
// where there is nothing to change. It is made for the version that was read; where another has come between, it is made
// anew on that one, so that neither is lost. edit returns the operations as they are then.
func edit(ctx context.Context, c *client.Client, service string, change func([]api.Operation) []api.Operation) ([]api.Operation, error) {
	for i := 1; ; i++ {
		was, version, err := c.Operations(ctx, service)
		if err != nil {
			return nil, err
		}
		ops := change(was) // anew each time: it may find that another has made the same change
		if ops == nil {
			return was, nil
		}
		_, err = c.ReplaceOperations(ctx, service, version, ops)
		if !errors.Is(err, client.ErrStale) || i == attempts {
			return ops, err
		}
	}
}

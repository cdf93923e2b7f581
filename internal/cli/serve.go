package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/app"
	"github.com/jeton-io/jeton/internal/config"
)

// serve runs the server in this process until its context ends. Its settings are those of package config, whose flags it
// takes over whole, so that a new setting needs no change here. The variables of the other commands, such as
// JETON_PASSWORD, may stand in the same environment and mean nothing to it.
func (p *program) serve() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run Jeton",
		Long: `Run Jeton until it gets SIGTERM or SIGINT; it then ends the requests under way.
SIGHUP reads the configuration anew, but at a terminal, where it means that the
terminal was closed, it ends the server, too.

Each setting is a flag, a variable of the environment, or a key of the file
that --config names, in that order of precedence.`,
		Example: "  jeton serve\n" +
			"  jeton serve --listen :8443 --public-url https://tokens.example.com:8443 --tls-cert cert.pem --tls-key key.pem",
	}
	config.Flags(cmd.Flags())
	cmd.RunE = p.run(func(cmd *cobra.Command, _ []string) error {
		// The same reading serves the start and each reload: flags stay as they were given, files are read anew.
		load := func() (config.Config, error) { return config.Load(cmd.Flags(), p.env.Environ) }
		cfg, err := load()
		if err != nil {
			return &configError{err}
		}
		options := app.Options{
			OwnProcess: true,
			Config:     cfg, Reload: load, Stdout: p.env.Stdout, Stderr: p.env.Stderr,
			Terminal: p.env.Terminal, LogTerminal: p.env.LogTerminal, Command: p.env.Command, Now: p.env.Now,
			Supervisor: app.SupervisorOf(func(name string) string { return p.vars[name] }, p.env.PID),
		}
		if p.env.Hangup != nil {
			requests, stop := p.env.Hangup()
			defer stop()
			options.Hangup = requests
		}
		return app.Run(cmd.Context(), options)
	})
	return cmd
}

// config is the group of commands about the server's configuration.
func (p *program) config() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config COMMAND",
		Short:   "Check the configuration",
		Example: "  jeton config check --config jeton.yaml",
	}
	cmd.AddCommand(p.configCheck())
	return cmd
}

// configCheck reads the configuration exactly as serve does, and goes no further: it can be run beside a server, and
// before a reload. What it can't find out is what only the start shows, such as an address that is taken.
func (p *program) configCheck() *cobra.Command {
	check := &cobra.Command{
		Use:   "check",
		Short: "Name every fault of the configuration, or show what it comes to",
		Long: `Name every fault of the configuration and exit with 1, or show what it comes
to, without its secrets. Nothing is started, and nothing is written.`,
		Example: "  jeton config check --config jeton.yaml --output json",
	}
	config.Flags(check.Flags())
	check.RunE = p.run(func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.Load(cmd.Flags(), p.env.Environ)
		if err != nil {
			return &configError{err}
		}
		checked := app.Check(&cfg, p.env.Now())
		p.warn(cfg.Warnings)
		if checked != nil {
			return &configError{checked}
		}
		values, pairs := map[string]string{}, []string{}
		for _, s := range cfg.Settings() {
			values[s.Name] = s.Value
			pairs = append(pairs, s.Name, s.Value)
		}
		return p.show(values, func() {
			p.say("ok")
			p.fields(pairs...)
		})
	})
	return check
}

// warn tells the operator of what was taken although it looks like a mistake.
func (p *program) warn(warnings []string) {
	for _, text := range warnings {
		p.hint("jeton: warning: %s.", strings.TrimSuffix(text, "."))
	}
}

// configError is the error of a configuration that can't be used, with all its faults.
type configError struct{ joined error }

// Error implements error.
func (e *configError) Error() string {
	if n := len(e.faults()); n != 1 {
		return fmt.Sprintf("the configuration has %d faults", n)
	}
	return "the configuration has a fault"
}

// faults returns the faults one by one. Only the outermost error joins them; a fault that itself wraps several is one.
func (e *configError) faults() []error {
	if all, ok := e.joined.(interface{ Unwrap() []error }); ok {
		return all.Unwrap()
	}
	return []error{e.joined}
}

// fields returns the faults as problems of the settings that they begin with.
func (e *configError) fields() []api.FieldProblem {
	var fields []api.FieldProblem
	for _, fault := range e.faults() {
		setting, problem, _ := strings.Cut(fault.Error(), ": ")
		fields = append(fields, api.FieldProblem{Field: setting, Problem: problem})
	}
	return fields
}

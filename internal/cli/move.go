package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/internal/app"
	"github.com/jeton-io/jeton/internal/config"
)

// move has the records of a server in another database from then on.
func (p *program) move() *cobra.Command {
	var options app.MoveOptions
	var to, toFile string
	var abandon bool
	cmd := &cobra.Command{
		Use:   "move",
		Short: "Move all records from SQLite to PostgreSQL",
		Long: `Move all records from the SQLite database of the settings to another database,
which must be empty. Tokens, passwords and the master key go on as before.

The database that they are in is closed first: servers that use it refuse every
call from then on, and none is lost. Then the records are copied, table by
table, and compared by number and digest; the other database can be used once
all is equal. What is interrupted goes on when the command is repeated.
--abandon gives a move up, and opens the database again.

Start the servers with --database of the new one then.`,
		Example: "  jeton move --to postgres://jeton@db.example.com/jeton --data /var/lib/jeton\n  jeton move --to postgres://jeton@db.example.com/jeton --abandon",
	}
	cmd.Flags().StringVar(&to, "to", "", "the other `DATABASE`: postgres://USER@HOST:PORT/NAME, or sqlite:PATH (JETON_TO)")
	cmd.Flags().StringVar(&toFile, "to-file", "", "`FILE` that holds the value of --to, which may have a password in it then (JETON_TO_FILE)")
	cmd.Flags().BoolVar(&abandon, "abandon", false, "give a move up that was interrupted, and open the database again")
	config.Flags(cmd.Flags())
	cmd.RunE = p.run(func(cmd *cobra.Command, _ []string) error {
		other, err := p.otherDatabase(cmd, to, toFile)
		if err != nil {
			return err
		}
		o, err := p.serverOptions(cmd)
		if err != nil {
			return err
		}
		options.To = other
		if abandon {
			if err := app.AbandonMove(cmd.Context(), o, options); err != nil {
				return moveFault(err)
			}
			p.say("The database is open again. Start the servers as before.")
			return nil
		}
		shown := p.progress()
		options.Report = shown.tell
		done, err := app.Move(cmd.Context(), o, options)
		shown.end()
		if errors.Is(err, app.ErrMoved) { // by a run whose end nobody saw: whoever repeats it has what was wanted
			return p.show(map[string]any{"moved_before": true}, func() {
				p.say("The records were moved before. Start the servers with --database of the new one, and the same master key.")
			})
		}
		if err != nil {
			return moveFault(err)
		}
		return p.show(map[string]any{"tables": done.Tables, "rows": done.Rows}, func() {
			p.say("Moved %s rows of %d tables, and compared them.", thousands(done.Rows), done.Tables)
			p.say("The former database is closed. Start the servers with --database of the new one, and the same master key.")
		})
	})
	return cmd
}

// otherDatabase reads where records are moved to: a flag goes before the environment.
func (p *program) otherDatabase(cmd *cobra.Command, to, file string) (config.Database, error) {
	argument := to != ""
	switch {
	case to != "" && file != "":
		return config.Database{}, &usageError{text: "--to and --to-file exclude each other"}
	case to == "" && file == "":
		to, file = p.vars["JETON_TO"], p.vars["JETON_TO_FILE"]
	}
	if to == "" && file != "" {
		text, err := p.secretFrom(file, "--to-file")
		if err != nil {
			return config.Database{}, err
		}
		to = text.Reveal()
	}
	if to == "" {
		return config.Database{}, lacks(cmd, "to")
	}
	other, err := config.ParseDatabase(to, argument)
	if err != nil {
		return other, &usageError{text: "--to " + err.Error(), fix: "One with a password comes from JETON_TO, or from the file that --to-file names."}
	}
	return other, nil
}

// moveFault says what to do about an error of a move.
func moveFault(err error) error {
	switch {
	case errors.Is(err, app.ErrElsewhere):
		return &fault{err, "", "Name the one with which it began, or give that move up first, with --abandon."}
	case errors.Is(err, app.ErrNotEmpty):
		return &fault{err, "", "Records are moved into a database that has none: make another, and name it with --to. Nothing was changed."}
	case errors.Is(err, app.ErrOtherTables):
		return &fault{err, "", "Nothing was changed. Make another database, which is empty, and name it with --to."}
	case errors.Is(err, app.ErrDiffers):
		return &fault{err, "", "The database that they were in is whole. Give the move up with --abandon, and try again."}
	}
	return databaseFault(err)
}

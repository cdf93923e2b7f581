package cli

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// quoted returns a word that was typed, for an error that names it, or nothing for one that may be a secret: what doesn't
// look like the name of a command or flag isn't repeated.
func quoted(word string) string {
	if !flagName.MatchString(word) {
		return ""
	}
	return fmt.Sprintf("%q", word)
}

// meant returns the advice to use the name that a mistyped one is nearest to, or nothing where none is near. prefix
// stands before the name in it.
func meant(word, prefix string, names []string) string {
	best, least := "", 3 // of three mistakes, another word is made
	for _, name := range names {
		if d := distance(word, name); d < least && d < len(name) {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return "Did you mean " + prefix + best + "?"
}

// distance counts the letters to insert, to remove or to replace between two words (Levenshtein).
func distance(from, to string) int {
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(from) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(to) {
			cost := diagonal
			if from[i] != to[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(to)]
}

// commandNames returns the names of the commands that a command holds.
func commandNames(cmd *cobra.Command) (names []string) {
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}

// flagNames returns the names of the flags that a command takes.
func flagNames(cmd *cobra.Command) (names []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

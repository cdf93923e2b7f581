package mail

import (
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/words"
)

// Desk is the Jeton in whose name letters are written, in one language.
type Desk struct {
	Words *words.Words
	URL   string // by which people know it
}

// Person is who gets a letter.
type Person struct{ Name, Email string }

// site returns what people know Jeton by: its host.
func (d *Desk) site() string {
	_, host, _ := strings.Cut(d.URL, "://")
	return host
}

// letter puts paragraphs together.
func (d *Desk) letter(to Person, subject words.Text, paragraphs ...words.Text) Letter {
	lines := []string{d.Words.Of(words.Say("Hello %s,", to.Name))}
	for _, p := range paragraphs {
		if !p.IsZero() {
			lines = append(lines, d.Words.Of(p))
		}
	}
	return Letter{To: to.Email, Subject: d.Words.Of(subject), Body: strings.Join(lines, "\n\n") + "\n"}
}

// Invitation is the letter with a link by which its reader chooses a password.
func (d *Desk) Invitation(to Person, address secret.Text, until time.Time) Letter {
	l := d.letter(to, words.Say("Your account at %s", d.site()),
		words.Say("An administrator of %s sends you a link. Open it and choose a password for your account:", d.site()),
		words.Say("%s", address.Reveal()),
		words.Say("The link is good once, until %s. Your user name is %s.", d.Words.Moment(until), to.Name),
		words.Say("If you don't expect this mail, don't open the link, and tell an administrator."))
	l.Until = until
	return l
}

// Login is the letter with a link that logs its reader in.
func (d *Desk) Login(to Person, address secret.Text, until time.Time) Letter {
	l := d.letter(to, words.Say("Log in to %s", d.site()),
		words.Say("Somebody, you we hope, has asked for a link that logs you in to %s:", d.site()),
		words.Say("%s", address.Reveal()),
		words.Say("It is good once, until %s.", d.Words.Moment(until)),
		words.Say("If it wasn't you, leave the link alone: without it nobody gets in."))
	l.Until = until
	return l
}

// Change is something that was done to somebody's account.
type Change struct {
	What  words.Text
	At    time.Time
	By    string // who did it, where that wasn't the reader
	From  string // the address that it came from, where it is known
	Times int    // how often it was done, of which this was the last; once where it is zero
}

// Changed is the letter that tells its reader of a change of the account.
func (d *Desk) Changed(to Person, c Change) Letter {
	when := words.Say("It was done on %s.", d.Words.Second(c.At))
	switch {
	case c.By != "" && c.From != "":
		when = words.Say("It was done on %s by %s, from the address %s.", d.Words.Second(c.At), c.By, c.From)
	case c.By != "":
		when = words.Say("It was done on %s by %s.", d.Words.Second(c.At), c.By)
	case c.From != "":
		when = words.Say("It was done on %s, from the address %s.", d.Words.Second(c.At), c.From)
	}
	var often words.Text
	if c.Times > 1 {
		often = words.Say("That was the last of %s times in a short while.", d.Words.Number(int64(c.Times)))
	}
	l := d.letter(to, words.Say("Your account at %s was changed", d.site()), c.What, when, often,
		words.Say("If this is as it should be, there is nothing to do. Otherwise change your password at %s, and tell an administrator.", d.URL))
	l.Notice = true
	return l
}

// Guessed is the letter that tells its reader of wrong codes at the second step of a log-in, of which one came at a time from an address.
func (d *Desk) Guessed(to Person, at time.Time, from string) Letter {
	when := words.Say("One of them was entered on %s.", d.Words.Second(at))
	if from != "" {
		when = words.Say("One of them was entered on %s, from the address %s.", d.Words.Second(at), from)
	}
	l := d.letter(to, words.Say("Somebody has tried to log in to your account at %s", d.site()),
		words.Say("Somebody has tried to log in to your account. The password was right, or it was a link that was mailed to you; the codes of the second factor were wrong."),
		when,
		words.Say("If it was you, there is nothing to do. Otherwise change your password at %s, and tell an administrator.", d.URL))
	l.Notice = true
	return l
}

// TokenEnds is the letter that tells its reader of a token that ends soon.
func (d *Desk) TokenEnds(to Person, name string, at time.Time) Letter {
	l := d.letter(to, words.Say("A token of yours at %s ends soon", d.site()),
		words.Say("Your Web Service Token “%s” ends on %s. Programs that use it are refused from then on.", name, d.Words.Moment(at)),
		words.Say("Ask an administrator for another one in time, and give it to those programs."))
	l.Notice = true
	return l
}

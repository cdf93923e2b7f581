package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/link"
	"github.com/jeton-io/jeton/internal/mail"
	"github.com/jeton-io/jeton/internal/words"
)

// notices tell users by mail of what was done to their accounts, so that who didn't do it hears of it. They are made of the audit log, and
// so come through whatever door the change came. A notice is sent once at most: up to where people were told is kept in the database and
// moved on before anything is sent, and of several nodes one moves it.
//
// An event gets its number before its transaction ends, and a larger one may be seen first. So each run tells of no more than was there at
// the run before: by then, whatever has a smaller number has ended, too.
//
// That a user is blocked isn't told: nor does the log-in tell it. Of another e-mail the former one is told, too: whoever takes over an
// account changes that first, and would hear alone of all that comes after.
type notices struct {
	*node
	scanned int64 // up to where nothing is to be told of
	newest  int64 // the number of the newest event, at the last run
	quota   quota
}

const (
	noticesEvery = 5 * time.Second
	endingEvery  = time.Hour
	// noticeAge is how old an event may be of which people are told still: where no mail could be sent for days, nobody wants all at once.
	noticeAge = 24 * time.Hour
	// endsSoon is how long before its end people are told of a token.
	endsSoon = 7 * 24 * time.Hour

	toldEvents, toldTokens = "events", "tokens"
	noticePage             = 1000
)

// changeWords say what was done, of the actions of which users are told.
func changeWords() map[audit.Action]words.Text {
	return map[audit.Action]words.Text{
		audit.UserUpdate:          words.Say("The e-mail of your account was changed: what is sent about it comes to this address from now on."),
		audit.UserPassword:        words.Say("The password of your account was changed."),
		audit.UserPasswordReset:   words.Say("The password of your account was reset."),
		audit.LinkUse:             words.Say("A password for your account was chosen by a link that was sent to you."),
		audit.PersonalTokenRotate: words.Say("A personal token was generated for your account. A former one has stopped working."),
		audit.AuthenticatorAdd:    words.Say("An authenticator app was added to your account as second factor."),
		audit.AuthenticatorRemove: words.Say("The authenticator app was removed from your account."),
		audit.PasskeyAdd:          words.Say("A passkey was added to your account as second factor."),
		audit.PasskeyRemove:       words.Say("A passkey was removed from your account."),
		audit.RecoveryCodesRenew:  words.Say("New recovery codes were made for your account. The former ones have stopped working."),
		audit.RecoveryCodeUse:     words.Say("Somebody logged in to your account by one of its recovery codes."),
		audit.SecondFactorRemove:  words.Say("The second factor of your account was taken away."),
	}
}

// run tells of what was done since the last time.
func (t *notices) run(ctx context.Context) {
	if err := t.tellOfEvents(ctx); err != nil && ctx.Err() == nil {
		t.logger.WarnContext(ctx, "users were not told of what was done to their accounts", "error", err)
	}
}

func (t *notices) tellOfEvents(ctx context.Context) error {
	latest, err := t.store.Events(ctx, audit.Query{Limit: 1})
	if err != nil || len(latest) == 0 {
		return err
	}
	upTo := t.newest
	t.newest = latest[0].Seq
	told, err := t.store.Told(ctx, toldEvents)
	if err != nil {
		return err
	}
	if told == 0 || told > t.newest { // from now on; or the log isn't the one that it was
		_, err := t.store.KeepTold(ctx, toldEvents, told, t.newest)
		return err
	}
	from := max(told, t.scanned)
	if upTo <= from {
		return nil
	}
	found, err := t.notable(ctx, from, upTo)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		t.scanned = upTo
		return nil
	}
	moved, err := t.store.KeepTold(ctx, toldEvents, told, upTo)
	if err != nil || !moved {
		return err
	}
	for i, times := range lastOfEach(found) {
		if !t.quota.take(found[i].Target.ID, found[i].Action, t.now()) {
			t.unsent.Add(1)
			continue
		}
		if err := t.tell(ctx, &found[i], times); err != nil {
			return err
		}
	}
	return nil
}

// notable returns the events of which users are told, from the one after a number up to another, in their order.
func (t *notices) notable(ctx context.Context, from, upTo int64) (found []audit.Event, err error) {
	told := changeWords()
	q := audit.Query{After: from, Before: upTo + 1, Since: t.now().Add(-noticeAge), Limit: noticePage}
	for {
		page, err := t.store.Events(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, ev := range page {
			byLogin := ev.Action == audit.LinkUse && ev.Detail["purpose"] != string(link.Invitation)
			untold := ev.Action == audit.UserUpdate && !readdressed(&ev)
			if told[ev.Action].IsZero() || byLogin || untold {
				continue
			}
			found = append(found, ev)
		}
		if len(page) < noticePage {
			slices.Reverse(found)
			return found, nil
		}
		q.Before = page[len(page)-1].Seq
	}
}

// readdressed reports whether a change of a user has taken an e-mail away that the user had; a new spelling of it hasn't. One that is too
// long for the log, which it is cut for, would be somebody else's.
func readdressed(ev *audit.Event) bool {
	former := ev.Detail[account.FormerEmail]
	return former != "" && !strings.HasSuffix(former, "…") && account.Key(former) != account.Key(ev.Detail["email"])
}

// tell mails a notice of what was done so many times, of which ev was the last, if there is somebody to read it.
func (t *notices) tell(ctx context.Context, ev *audit.Event, times int) error {
	u, err := t.accounts.User(ctx, ev.Target.ID)
	if errors.Is(err, authority.ErrNotFound) || err == nil && u.State != account.Active {
		return nil
	}
	if err != nil {
		return err
	}
	c := mail.Change{What: changeWords()[ev.Action], At: ev.At, From: ev.Actor.Address, Times: times}
	switch {
	case ev.Actor.UserID == uuid.Nil:
		c.By = t.letters.Words.Of(words.Say("whoever runs Jeton"))
	case ev.Actor.UserID != u.ID:
		c.By, c.From = ev.Actor.Username, "" // where the administrator sits is no business of the user's
	}
	if u.Email != "" {
		t.post.Send(t.letters.Changed(personOf(&u), c))
	}
	if former := ev.Detail[account.FormerEmail]; former != "" { // which isn't told the new one: it may never have been the user's
		u.Email, c.What = former, words.Say("The e-mail of your account was changed: what is sent about it no longer comes to this address.")
		t.post.Send(t.letters.Changed(personOf(&u), c))
	}
	return nil
}

// reader returns a user who can be told of something: who is active, and has an e-mail.
func (n *node) reader(ctx context.Context, id uuid.UUID) (account.User, bool, error) {
	u, err := n.accounts.User(ctx, id)
	if errors.Is(err, authority.ErrNotFound) {
		return u, false, nil
	}
	return u, err == nil && u.State == account.Active && u.Email != "", err
}

// tellOfEnding tells users of their API tokens that end within a week, of each once: up to which end they were told is kept as for events.
// Of one that was made for less than that nobody is told: who made it has just chosen its end.
func (n *node) tellOfEnding(ctx context.Context) {
	if err := n.tellOfTokens(ctx, maxEndingMails); err != nil && ctx.Err() == nil {
		n.logger.WarnContext(ctx, "users were not told of tokens that end soon", "error", err)
	}
}

// tellOfTokens tells of so many tokens at most; of the rest the next time.
func (n *node) tellOfTokens(ctx context.Context, most int) error {
	now := n.now()
	until := now.Add(endsSoon).Truncate(time.Microsecond)
	told, err := n.store.Told(ctx, toldTokens)
	if err != nil || told >= until.UnixMicro() {
		return err
	}
	from := time.UnixMicro(told)
	if told == 0 || from.Before(now) {
		from = now
	}
	enabled := true
	tokens, err := n.apiTokens.List(ctx, apitoken.Query{Enabled: &enabled, EndingFrom: from, ExpiringBefore: until, Limit: most})
	if err != nil {
		return err
	}
	upTo := until.UnixMicro()
	if len(tokens) == most {
		tokens, upTo = n.endingFirst(ctx, tokens)
	}
	moved, err := n.store.KeepTold(ctx, toldTokens, told, upTo)
	if err != nil || !moved {
		return err
	}
	for i := range tokens {
		u, ok, err := n.reader(ctx, tokens[i].UserID)
		if err != nil {
			return err
		}
		if ok {
			n.post.Send(n.letters.TokenEnds(personOf(&u), tokens[i].Name, tokens[i].ExpiresAt))
		}
	}
	return nil
}

// endingFirst returns those of tokens, which may have more behind them, that end before the last ones, and the position from which the next
// time goes on. Where all end at one moment, those behind them that do so, too, are passed over.
func (n *node) endingFirst(ctx context.Context, tokens []apitoken.Token) (first []apitoken.Token, upTo int64) {
	last := tokens[len(tokens)-1].ExpiresAt
	if i := slices.IndexFunc(tokens, func(t apitoken.Token) bool { return t.ExpiresAt.Equal(last) }); i > 0 {
		return tokens[:i], last.UnixMicro()
	}
	n.logger.WarnContext(ctx, "too many tokens end at one moment: not all their users are told", "ends", last)
	return tokens, last.UnixMicro() + 1
}

// maxEndingMails is how many tokens users are told of at a time: no more mails would find room.
const maxEndingMails = 500

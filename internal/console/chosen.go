package console

import (
	"errors"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

// Rows of a list can be chosen, to do one thing to all of them. Afterwards the reader is where he was, with the same order, filter and
// page: the form's address has the query of the list.

// chosen returns which rows of a list were chosen, all of them read before anything is done.
func (c *call) chosen() ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, len(c.lists["id"]))
	for n, text := range c.lists["id"] {
		var err error
		if ids[n], err = parseID(text); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// doToChosen does one thing to each row that was chosen, and says so in the list. Those that are gone meanwhile are left out.
func (c *call) doToChosen(list string, said notice, do func(id uuid.UUID) error) error {
	ids, err := c.chosen()
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return c.doneInList(list, noneChosen)
	}
	for _, id := range ids {
		if err := do(id); err != nil && !errors.Is(err, authority.ErrNotFound) {
			return err
		}
	}
	return c.doneInList(list, said)
}

// doneInList is what done is, for rows that were chosen in a list. It leads back to where the reader was: the form's address has the query of
// the list, and nothing else of the way back is taken from the request.
func (c *call) doneInList(list string, said notice) error {
	query := c.r.URL.Query()
	query.Set(noticeParameter, string(said))
	return c.redirect(withQuery(list, query))
}

// toList returns the handler that leads from there to the list.
func toList(list string) handler {
	return func(c *call) error { return c.redirect(withQuery(list, c.r.URL.Query())) }
}

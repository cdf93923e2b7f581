package httpapi

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/session"
)

// A user has sessions of two sorts: tokens of programs that logged in, and browsers. To whoever looks for one to end they are
// the same: by which somebody is in who may not be. So they stand in one list, and are ended by one route. A session is looked
// for among its user's own; another's isn't there.

// sessionsOf returns all sessions of a user that last, the newest first.
func (s *server) sessionsOf(ctx context.Context, c *call, userID uuid.UUID) ([]api.Session, error) {
	tokens, err := s.cfg.Sessions.List(ctx, userID)
	if err != nil {
		return nil, err
	}
	browsers, err := s.cfg.Browsers.List(ctx, userID)
	if err != nil {
		return nil, err
	}
	var sessions []api.Session
	for _, t := range tokens {
		w := api.Session{
			ID: t.ID.String(), Kind: authority.SessionToken.String(), CreatedAt: t.CreatedAt, LastUsedAt: t.LastUsedAt, LastUsedIP: t.LastUsedIP,
			ExpiresAt: t.ExpiresAt,
		}
		if t.PlatformID != uuid.Nil {
			w.PlatformID = t.PlatformID.String()
		}
		sessions = append(sessions, w)
	}
	numbers, err := s.projectNumbers(ctx, browsers)
	if err != nil {
		return nil, err
	}
	for _, b := range browsers {
		w := api.Session{
			ID: b.ID.String(), Kind: authority.ConsoleSession.String(), CreatedAt: b.CreatedAt, LastUsedAt: b.LastUsedAt, LastUsedIP: b.LastUsedIP,
			ExpiresAt: b.ExpiresAt, Current: c.principal.CredentialKind == authority.ConsoleSession && c.principal.CredentialID == b.ID,
		}
		if b.Sealed.Project != uuid.Nil {
			w.Kind, w.Project = authority.APISession.String(), numbers[b.Sealed.Project]
		}
		sessions = append(sessions, w)
	}
	slices.SortFunc(sessions, func(a, b api.Session) int { return newer(a.CreatedAt, b.CreatedAt, a.ID, b.ID) })
	return sessions, nil
}

// projectNumbers returns the numbers of projects by ID, where one of the sessions was begun by a project's tokens. Projects are few.
func (s *server) projectNumbers(ctx context.Context, browsers []session.Session) (map[uuid.UUID]int, error) {
	if !slices.ContainsFunc(browsers, func(b session.Session) bool { return b.Sealed.Project != uuid.Nil }) {
		return nil, nil
	}
	const page = 200
	numbers := map[uuid.UUID]int{}
	for after := 0; ; {
		projects, err := s.cfg.Projects.List(ctx, after, page)
		if err != nil {
			return nil, err
		}
		for _, p := range projects {
			numbers[p.ID], after = p.Number, p.Number
		}
		if len(projects) < page {
			return numbers, nil
		}
	}
}

// newer compares two sessions by the order of the listing. Those of one moment are in the order of their IDs.
func newer(a, b time.Time, idA, idB string) int {
	return cmp.Or(b.Compare(a), strings.Compare(idB, idA))
}

// pageOfSessions returns the page of a user's sessions that a request selects. They are a thousand and a hundred at most, and
// read whole.
func (s *server) pageOfSessions(ctx context.Context, c *call, userID uuid.UUID, in *pageInput) (*answer[api.List[api.Session]], error) {
	at, id, err := sessionPosition(in.Cursor)
	if err != nil {
		return nil, err
	}
	sessions, err := s.sessionsOf(ctx, c, userID)
	if err != nil {
		return nil, err
	}
	if id != "" { // the one of the cursor may have ended meanwhile
		sessions = slices.DeleteFunc(sessions, func(w api.Session) bool { return newer(w.CreatedAt, at, w.ID, id) <= 0 })
	}
	return pageOf(sessions, in.Limit,
		func(w api.Session) api.Session { return w },
		func(w api.Session) string {
			return cursorAt("sessions", strconv.FormatInt(w.CreatedAt.UnixMicro(), 10)+" "+w.ID)
		}), nil
}

// sessionPosition reads a cursor: the last session that was shown, by the time at which it began and its ID.
func sessionPosition(cursor string) (time.Time, string, error) {
	position, err := positionOf("sessions", cursor)
	if err != nil || position == "" {
		return time.Time{}, "", err
	}
	text, id, _ := strings.Cut(position, " ")
	at, err := strconv.ParseInt(text, 10, 64)
	if err != nil || uuid.Validate(id) != nil {
		return time.Time{}, "", errCursor()
	}
	return time.UnixMicro(at), id, nil
}

// endSession ends one session of a user, of whichever sort.
func (s *server) endSession(ctx context.Context, c *call, user *authority.User, text string) error {
	id, err := idOf(text)
	if err != nil {
		return err
	}
	err = s.cfg.Sessions.End(ctx, user.ID, user.Username, id, c.actor())
	if errors.Is(err, authority.ErrNotFound) {
		err = s.cfg.Browsers.EndOf(ctx, user, id, c.actor())
	}
	return err
}

// userOf returns the user whom a route names.
func (s *server) userOf(ctx context.Context, idOrName string) (*authority.User, error) {
	u, err := s.cfg.Accounts.Find(ctx, idOrName)
	return &authority.User{ID: u.ID, Username: u.Username}, err
}

// listMySessions shows where the caller is logged in.
func (s *server) listMySessions(ctx context.Context, c *call, in *pageInput) (*answer[api.List[api.Session]], error) {
	return s.pageOfSessions(ctx, c, c.principal.ID, in)
}

// mySessionInput names a session of the caller.
type mySessionInput struct {
	ID string `path:"id" doc:"The session's ID."`
}

// endMySession ends one session of the caller, be it the one by which it came: that is a log-out.
func (s *server) endMySession(ctx context.Context, c *call, in *mySessionInput) (*done, error) {
	return nil, s.endSession(ctx, c, &c.principal.User, in.ID)
}

// endMySessions ends all sessions of the caller but the one by which it came, so that whoever is afraid of the others can go on.
func (s *server) endMySessions(ctx context.Context, c *call, _ *struct{}) (*done, error) {
	return nil, s.cfg.Sessions.EndAll(ctx, c.principal.ID, c.principal.Username, c.actor())
}

// userSessionsInput selects a page of a user's sessions.
type userSessionsInput struct {
	User   string `path:"user" doc:"The user's ID or name, percent-encoded."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items at most."`
	Cursor string `query:"cursor" doc:"The next of the page before; absent for the first."`
}

// listUserSessions shows an administrator where a user is logged in.
func (s *server) listUserSessions(ctx context.Context, c *call, in *userSessionsInput) (*answer[api.List[api.Session]], error) {
	u, err := s.userOf(ctx, in.User)
	if err != nil {
		return nil, err
	}
	return s.pageOfSessions(ctx, c, u.ID, &pageInput{Limit: in.Limit, Cursor: in.Cursor})
}

// userSessionInput names a session of a user.
type userSessionInput struct {
	User string `path:"user" doc:"The user's ID or name, percent-encoded."`
	ID   string `path:"id" doc:"The session's ID."`
}

// endUserSession ends one session of a user.
func (s *server) endUserSession(ctx context.Context, c *call, in *userSessionInput) (*done, error) {
	u, err := s.userOf(ctx, in.User)
	if err != nil {
		return nil, err
	}
	return nil, s.endSession(ctx, c, u, in.ID)
}

// endUserSessions ends all sessions of a user. Blocking the user is what keeps it out.
func (s *server) endUserSessions(ctx context.Context, c *call, in *userInput) (*done, error) {
	u, err := s.userOf(ctx, in.User)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Sessions.EndAll(ctx, u.ID, u.Username, c.actor())
}

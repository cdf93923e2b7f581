package console

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/web"
)

const (
	// exportPage is how many events are in memory at once.
	exportPage = 500
	// exportPatience is how long the reader of a file may take for each such page.
	exportPatience = 30 * time.Second
)

// eventFile is a file of events in one format.
type eventFile struct {
	contentType, extension string
	begin                  func() error // before the first event
	write                  func(e *audit.Event, credentials map[uuid.UUID]string) error
	flush                  func() error // after each page
}

// exportEvents returns the handler that answers with all events that the filters select as a file, the newest first. It holds one
// page of them at a time, however long the log is.
//
// A file that ends before its end must not pass for whole: where the log fails on the way, or the reader is no administrator any more,
// the connection is cut, and the browser says that the download failed.
func (s *server) exportEvents(format func(io.Writer) eventFile) handler {
	return func(c *call) error {
		f, q, err := c.eventFilter(c.r.URL.Query())
		if err != nil {
			return err
		}
		if f.Problems.First() != "" { // the page says what is wrong
			return c.redirect(auditPath + "?" + filterQuery(f).Encode())
		}
		events, credentials, err := s.exported(c, q)
		if err != nil {
			return err
		}
		x := format(c.w)
		h := c.w.Header()
		h.Set("Content-Type", x.contentType)
		h.Set("Content-Disposition", `attachment; filename="jeton-audit-`+s.cfg.Now().UTC().Format("2006-01-02T150405Z")+"."+x.extension+`"`)
		if c.r.Method == http.MethodHead {
			c.w.WriteHeader(http.StatusOK)
			return nil
		}
		err = x.begin()
		for err == nil {
			if err = x.page(events, credentials); err != nil || len(events) < exportPage {
				break
			}
			_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(exportPatience))
			q.Before = events[len(events)-1].Seq
			if err = c.admit(admins); err == nil { // as at the beginning: who is blocked meanwhile gets no more
				events, credentials, err = s.exported(c, q)
			}
		}
		if err != nil {
			if c.r.Context().Err() == nil {
				web.Note(c.w).Err = err
			}
			panic(http.ErrAbortHandler)
		}
		return nil
	}
}

// exported reads one page of an export.
func (s *server) exported(c *call, q audit.Query) ([]audit.Event, map[uuid.UUID]string, error) {
	q.Limit = exportPage
	events, err := s.cfg.Events.Events(c.r.Context(), q)
	if err != nil {
		return nil, nil, err
	}
	credentials, err := s.records().Names().Name(c.r.Context(), events)
	return events, credentials, err
}

// page writes one page.
func (x *eventFile) page(events []audit.Event, credentials map[uuid.UUID]string) error {
	for n := range events {
		if err := x.write(&events[n], credentials); err != nil {
			return err
		}
	}
	return x.flush()
}

// newJSONExport has each event as /v1/events shows it, on a line of its own.
func newJSONExport(w io.Writer) eventFile {
	lines := json.NewEncoder(w)
	return eventFile{
		contentType: "application/x-ndjson", extension: "jsonl",
		begin: func() error { return nil },
		write: func(e *audit.Event, credentials map[uuid.UUID]string) error {
			return lines.Encode(web.Event(e, credentials))
		},
		flush: func() error { return nil },
	}
}

// newCSVExport has a row for each event (RFC 4180), with the detail in JSON in one cell.
func newCSVExport(w io.Writer) eventFile {
	rows := csv.NewWriter(w)
	rows.UseCRLF = true
	return eventFile{
		contentType: "text/csv; charset=utf-8; header=present", extension: "csv",
		begin: func() error {
			return rows.Write([]string{
				"at", "action", "actor_id", "actor_name", "credential_kind", "credential_id", "credential_name", "address",
				"target_kind", "target_id", "target_name", "reason", "door", "count", "last_at", "detail", "id",
			})
		},
		write: func(e *audit.Event, credentials map[uuid.UUID]string) error {
			return rows.Write(csvRow(e, credentials))
		},
		flush: func() error { rows.Flush(); return rows.Error() },
	}
}

func csvRow(e *audit.Event, credentials map[uuid.UUID]string) []string {
	var detail []byte
	if len(e.Detail) > 0 {
		detail, _ = json.Marshal(e.Detail) // strings by strings, which can't fail
	}
	row := []string{
		stampOf(e.At), string(e.Action), knownID(e.Actor.UserID), e.Actor.Username, e.Actor.CredentialKind, knownID(e.Actor.CredentialID),
		credentials[e.Actor.CredentialID], e.Actor.Address, e.Target.Kind, knownID(e.Target.ID), e.Target.Name,
		e.Reason, e.Door, strconv.FormatInt(e.Count, 10), stampOf(e.LastAt), string(detail), e.ID.String(),
	}
	for n := range row {
		row[n] = harmless(row[n])
	}
	return row
}

// formula is where a spreadsheet may take a cell, or what it makes a cell of where semicolons or tabs divide them, for a formula.
var formula = regexp.MustCompile(`(^|[;\t\r\n])([=+\-@\t\r\n＝＋－＠])`)

// harmless returns a cell that no spreadsheet takes for a formula: names and paths are text of strangers, and a formula would run on
// the machine of the administrator who opens the file. The apostrophe says that what follows is text.
func harmless(cell string) string { return formula.ReplaceAllString(cell, "$1'$2") }

// stampOf returns a time as programs read it, empty where there is none.
func stampOf(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// knownID returns an ID as text, empty where there is none.
func knownID(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

package feed

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// A journal is a text, one line for each change:
//
//	jeton-journal 1 INSTANCE
//	EPOCH REVISION MARK -                                  a position: everything up to it may be missing
//	EPOCH REVISION MARK TIME KIND ID [gone]
//
// The ID of a restore is its reach, and it is gone where it suspended everybody.
//
// Lines are only ever added. The last one may be cut by a crash; it then counts as not written. A journal may have years of
// lines, so what is read from it at a start is one position and not all of them.

// journalHead begins the first line, before the instance.
const journalHead = "jeton-journal 1 "

// Journal is a file of every change that a node has heard of, written before the node says that a change of its own was
// made. With it a backup that is restored knows what was taken away after it was made, and a node that starts knows how far
// the database had come. It holds no secret, only which records changed.
//
// A change that couldn't be written, as on a full disk, is written later, as long as the feed has it; else the journal says
// that it has a gap. Revoking never waits for room. Open one with OpenJournal.
type Journal struct {
	mu       sync.Mutex
	path     string
	file     *os.File
	position Position // of the last line
	gap      bool     // the next line must be a position
	err      error    // why the last line couldn't be written
}

// Entry is one line of a journal.
type Entry struct {
	Epoch  int64
	Change      // without Kind and ID for a position
	Gap    bool // a position: what was before it may be missing
}

// Compare orders entries by epoch and revision.
func (e Entry) Compare(other Entry) int {
	return cmp.Or(cmp.Compare(e.Epoch, other.Epoch), cmp.Compare(e.Revision, other.Revision))
}

// OpenJournal opens the journal at a path, or begins one, readable by its owner alone.
func OpenJournal(path string) (*Journal, error) {
	file, err := openJournalFile(path)
	if err != nil {
		return nil, fmt.Errorf("opening the revocation journal: %w", err)
	}
	j := &Journal{path: path, file: file}
	if err := j.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("reading the revocation journal %s: %w", path, err), file.Close())
	}
	return j, nil
}

// openJournalFile opens what is a file, or makes one: to open a pipe would wait for somebody to read from it.
func openJournalFile(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", path)
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
}

// load finds the last position and cuts off what a crash left of another line.
func (j *Journal) load() error {
	info, err := j.file.Stat()
	if err != nil {
		return err
	}
	var last Entry
	// Another process may add lines meanwhile, which are none of those that are cut.
	instance, whole, err := eachEntry(io.LimitReader(j.file, info.Size()), func(e Entry) {
		if e.Compare(last) >= 0 {
			last = e
		}
	})
	if err != nil {
		return err
	}
	j.position = Position{instance, last.Epoch, last.Revision, last.Mark}
	if whole < info.Size() {
		return j.file.Truncate(whole)
	}
	return nil
}

// Position returns where the journal has got to; the zero position where it is empty.
func (j *Journal) Position() Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.position
}

// Err returns why the journal lags behind; nil where it doesn't.
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.Close() }

// skip says that what comes next doesn't follow what is there.
func (j *Journal) skip() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.gap = true
}

// keep writes what of a batch isn't there, and returns once it is on the disk. What fails is for Err to tell.
func (j *Journal) keep(b *Batch) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err = j.inPlace(); j.err != nil {
		return
	}
	text, to := j.lines(b)
	if len(text) == 0 {
		return
	}
	if j.err = j.write(text); j.err == nil {
		j.position, j.gap = to, false
	}
}

// inPlace makes sure that the file still has its name. Where somebody has moved or removed it, another is begun, with a gap: what
// was written on into the former one would be found by nobody.
func (j *Journal) inPlace() error {
	open, err := j.file.Stat()
	if err != nil {
		return err
	}
	if now, err := os.Stat(j.path); err == nil && os.SameFile(open, now) {
		return nil
	}
	file, err := openJournalFile(j.path)
	if err != nil {
		return err
	}
	next := &Journal{path: j.path, file: file}
	if err := next.load(); err != nil {
		return errors.Join(err, file.Close())
	}
	if of := next.position.Instance; of != uuid.Nil && of != j.position.Instance {
		return errors.Join(fmt.Errorf("%w: the journal at %s is that of %s", ErrOther, j.path, of), file.Close())
	}
	_ = j.file.Close() // what was written there is on the disk
	j.file, j.gap, j.position.Instance = file, true, next.position.Instance
	return nil
}

// lines returns the lines for a batch, and the position after them.
func (j *Journal) lines(b *Batch) (text []byte, to Position) {
	to = j.position
	if j.position.Instance == uuid.Nil {
		text = append(text, journalHead+b.Head.Instance.String()+"\n"...)
	}
	if j.gap || b.Pruned || j.position.Instance != b.Head.Instance || j.position.Epoch != b.Head.Epoch {
		text = fmt.Appendf(text, "%d %d %d -\n", b.Head.Epoch, b.Head.Revision, b.Head.Mark)
		return text, b.Head
	}
	for _, c := range b.Changes {
		if c.Revision <= j.position.Revision {
			continue
		}
		text = appendChange(text, b.Head.Epoch, c)
		to = Position{b.Head.Instance, b.Head.Epoch, c.Revision, c.Mark}
	}
	return text, to
}

// Restore begins the epoch of a restore with its first change, at the position that it gave the database, and with its reach: of
// this epoch, nothing before is missing. Without it a later restore to an earlier backup wouldn't know that.
func (j *Journal) Restore(to, reach Position, at time.Time) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var text []byte
	if j.position.Instance == uuid.Nil {
		text = append(text, journalHead+to.Instance.String()+"\n"...)
	}
	c := RestoredTo(reach, at)
	c.Revision, c.Mark = to.Revision, to.Mark
	text = appendChange(text, to.Epoch, c)
	if err := j.write(text); err != nil {
		return fmt.Errorf("writing the revocation journal: %w", err)
	}
	j.position, j.gap = to, false
	return nil
}

func appendChange(text []byte, epoch int64, c Change) []byte {
	text = fmt.Appendf(text, "%d %d %d %s %s %s", epoch, c.Revision, c.Mark, c.At.UTC().Format(time.RFC3339Nano), c.Kind, c.ID)
	if c.Gone {
		text = append(text, " gone"...)
	}
	return append(text, '\n')
}

// write adds lines, all or none of them.
func (j *Journal) write(text []byte) error {
	info, err := j.file.Stat()
	if err != nil {
		return err
	}
	n, err := j.file.Write(text)
	if err == nil {
		return j.file.Sync()
	}
	if now, statErr := j.file.Stat(); statErr == nil && now.Size() == info.Size()+int64(n) { // nobody else's lines came after
		err = errors.Join(err, j.file.Truncate(info.Size()))
	}
	return err
}

// ReadJournal reads a journal: whose it is, and its entries by epoch and revision, each once. Several processes may have
// written to one file. What a crash has left of a last line is none. It returns an error where it is no journal, or has a line
// that none has written.
func ReadJournal(r io.Reader) (instance uuid.UUID, entries []Entry, err error) {
	if instance, _, err = eachEntry(r, func(e Entry) { entries = append(entries, e) }); err != nil {
		return uuid.Nil, nil, err
	}
	// A gap of one process is none where another has the changes before it, so a position stands before the change of its number.
	slices.SortStableFunc(entries, Entry.Compare)
	entries = slices.CompactFunc(entries, func(a, b Entry) bool { return a == b })
	return instance, entries, nil
}

// eachEntry reads a journal to its end, line by line. It returns whose it is, and how many bytes its whole lines take.
func eachEntry(r io.Reader, take func(Entry)) (instance uuid.UUID, whole int64, err error) {
	lines := bufio.NewScanner(r)
	lines.Split(wholeLines)
	for number := 1; lines.Scan(); number++ {
		whole += int64(len(lines.Bytes())) + 1
		text := lines.Text()
		if head, ok := strings.CutPrefix(text, journalHead); ok {
			id, err := uuid.Parse(head)
			if err != nil || instance != uuid.Nil && id != instance {
				return uuid.Nil, 0, fmt.Errorf("line %d is of another database, or of none", number)
			}
			instance = id
			continue
		}
		e, err := parseEntry(strings.Fields(text))
		if err == nil && instance == uuid.Nil {
			err = errors.New("no line before it names the database")
		}
		if err != nil {
			return uuid.Nil, 0, fmt.Errorf("line %d is no line of a revocation journal: %w", number, err)
		}
		take(e)
	}
	return instance, whole, lines.Err()
}

// wholeLines splits a text into the lines that end, for a bufio.Scanner.
func wholeLines(text []byte, _ bool) (advance int, line []byte, err error) {
	if end := bytes.IndexByte(text, '\n'); end >= 0 {
		return end + 1, text[:end], nil
	}
	return 0, nil, nil
}

// maxCount is beyond what epochs and revisions are ever counted up to, and leaves room for counting on.
const maxCount = 1 << 53

func parseEntry(fields []string) (e Entry, err error) {
	position, gone := len(fields) == 4 && fields[3] == "-", len(fields) == 7 && fields[6] == "gone"
	if !position && !gone && len(fields) != 6 {
		return e, errors.New("it has other words")
	}
	for i, to := range []*int64{&e.Epoch, &e.Revision, &e.Mark} {
		if *to, err = strconv.ParseInt(fields[i], 10, 64); err != nil {
			return e, err
		}
	}
	if e.Epoch < 0 || e.Epoch > maxCount || e.Revision < 0 || e.Revision > maxCount {
		return e, errors.New("it has a number that none counts up to")
	}
	if position {
		e.Gap = true
		return e, nil
	}
	if e.At, err = time.Parse(time.RFC3339Nano, fields[3]); err != nil {
		return e, err
	}
	e.Kind, e.Gone = Kind(fields[4]), gone
	e.ID, err = uuid.Parse(fields[5])
	return e, err
}

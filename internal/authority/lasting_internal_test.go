package authority

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestLasting ends the context in each way, before and after somebody asked for Done.
func TestLasting(t *testing.T) {
	type key struct{}
	tests := []struct {
		name string
		life time.Duration
		end  func(l *lasting, parent context.CancelFunc)
		want error
	}{
		{"goes on", time.Hour, func(*lasting, context.CancelFunc) {}, nil},
		{"its time is over", -1, func(*lasting, context.CancelFunc) {}, context.DeadlineExceeded},
		{"it is cancelled", time.Hour, func(l *lasting, _ context.CancelFunc) { l.cancel() }, context.Canceled},
		{"its parent is cancelled", time.Hour, func(_ *lasting, parent context.CancelFunc) { parent() }, context.Canceled},
	}
	for _, test := range tests {
		for _, early := range []bool{false, true} {
			parent, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
			l := newLasting(parent, test.life)
			if early {
				l.Done()
			}
			test.end(l, cancel)
			if err := l.Err(); !errors.Is(err, test.want) {
				t.Errorf("%s, asked for Done before: %t: got %v, want %v", test.name, early, err, test.want)
			}
			ended := false
			select {
			case <-l.Done():
				ended = true
			default:
			}
			if ended != (test.want != nil) {
				t.Errorf("%s, asked for Done before: %t: done: got %t", test.name, early, ended)
			}
			below, stop := context.WithCancel(l)
			if err := below.Err(); !errors.Is(err, test.want) {
				t.Errorf("%s, a context below: got %v, want %v", test.name, err, test.want)
			}
			stop()
			if l.Value(key{}) != "value" {
				t.Errorf("%s: the parent's value is lost", test.name)
			}
			l.cancel()
			cancel()
			if l.Err() == nil {
				t.Errorf("%s: got no error after all was cancelled", test.name)
			}
		}
	}
}

// TestLastingEndsByItself waits for Done, as who waits for a connection does.
func TestLastingEndsByItself(t *testing.T) {
	l := newLasting(t.Context(), time.Millisecond)
	defer l.cancel()
	<-l.Done()
	if err := l.Err(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that its time is over", err)
	}
	if at, ok := l.Deadline(); !ok || at.After(time.Now()) {
		t.Errorf("got a deadline at %v, %t, want one that has passed", at, ok)
	}
}

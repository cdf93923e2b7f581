package api

import (
	"bytes"
	"encoding/json"
)

// Optional is a member of a merge patch (RFC 7396): absent, null, or a value.
type Optional[T any] struct {
	Set   bool // the member was present
	Null  bool // and was null
	Value T
}

// Some returns the Optional of a member that is present with a value.
func Some[T any](v T) Optional[T] { return Optional[T]{Set: true, Value: v} }

// IsZero makes `omitzero` leave an absent member out.
func (o Optional[T]) IsZero() bool { return !o.Set }

// Pointer returns nil for an absent member, else its value: the zero value where it was null.
func (o Optional[T]) Pointer() *T {
	if !o.Set {
		return nil
	}
	return &o.Value
}

// UnmarshalJSON implements json.Unmarshaler; it is not called for an absent member.
func (o *Optional[T]) UnmarshalJSON(b []byte) error {
	o.Set = true
	if bytes.Equal(b, []byte("null")) {
		o.Null = true
		return nil
	}
	return json.Unmarshal(b, &o.Value)
}

// MarshalJSON implements json.Marshaler.
func (o Optional[T]) MarshalJSON() ([]byte, error) {
	if o.Null || !o.Set {
		return []byte("null"), nil
	}
	return json.Marshal(o.Value)
}

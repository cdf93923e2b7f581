package client

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every printing of a Secret shows.
const redacted = "[secret]"

// Secret is a token or a password in the clear. Packages fmt, log/slog and encoding/json print it as "[secret]"; only
// Reveal gives it away. It does not protect against reflection, nor against who can read the program's memory.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer without giving the secret away.
func (s Secret) String() string { return redacted }

// GoString implements fmt.GoStringer without giving the secret away.
func (s Secret) GoString() string { return redacted }

// Format implements fmt.Formatter: whatever the verb (%x would else go round String), it prints "[secret]".
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer without giving the secret away.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, which encoding/json uses too, without giving the secret away.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

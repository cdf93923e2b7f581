package sealed

// For tests of what is otherwise seen only by the tokens that come out.
var (
	NewHash     = newHash
	DotNetBytes = passwordDeriveBytes
	Unpad       = unpad
)

// DeriveKey makes the key of settings that needn't have been checked.
func DeriveKey(s Settings, text string) ([]byte, error) { return s.deriveKey(text) }

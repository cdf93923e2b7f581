package console

import "github.com/jeton-io/jeton/internal/words"

func (s *server) keyRoutes() {}

// The notices of this area.
func keyNotices() map[notice]words.Text { return nil }

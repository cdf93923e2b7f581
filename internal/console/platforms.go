package console

import "github.com/jeton-io/jeton/internal/words"

func (s *server) platformRoutes() {}

// The notices of this area.
func platformNotices() map[notice]words.Text { return nil }

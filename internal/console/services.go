package console

import "github.com/jeton-io/jeton/internal/words"

func (s *server) serviceRoutes() {}

// The notices of this area.
func serviceNotices() map[notice]words.Text { return nil }

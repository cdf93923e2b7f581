package console

import "github.com/jeton-io/jeton/internal/words"

func (s *server) projectRoutes() {}

// The notices of this area.
func projectNotices() map[notice]words.Text { return nil }

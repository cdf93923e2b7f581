package console

import "github.com/jeton-io/jeton/internal/words"

func (s *server) peopleRoutes() {}

// The notices of this area.
func peopleNotices() map[notice]words.Text { return nil }

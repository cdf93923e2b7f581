package console

func (s *server) overviewRoutes() {
	s.serve("GET "+adminPath, admins, to(apiTokensPath))
}

package console

import "github.com/jeton-io/jeton/internal/words"

// The administration's pages, and the menu that leads to them. What stands below a path belongs to its item.
const (
	adminPath     = "/console/administration"
	usersPath     = adminPath + "/users"
	apiTokensPath = adminPath + "/integration/web-service-tokens"
	platformsPath = adminPath + "/integration/platforms"
	projectsPath  = adminPath + "/integration/projects"
	servicesPath  = adminPath + "/services"
	testerPath    = adminPath + "/tester"
	keysPath      = adminPath + "/signing-keys"
	auditPath     = adminPath + "/audit"
)

// areaGroup is a part of the menu, with a title where its pages need one. Those of Matrix42's product have that product's words, which
// its users look for.
type areaGroup struct {
	Title words.Text
	Areas []area
}

type area struct {
	Title words.Text
	Path  string
}

func administration() []areaGroup {
	return []areaGroup{
		{words.Text{}, []area{{words.Say("Overview"), adminPath}, {words.Say("Users"), usersPath}}},
		{words.Say("Integration"), []area{
			{words.Say("Web Service Tokens"), apiTokensPath}, {words.Say("Platforms"), platformsPath}, {words.Say("Projects"), projectsPath},
		}},
		{words.Say("Access"), []area{{words.Say("Services"), servicesPath}, {words.Say("Tester"), testerPath}}},
		{words.Say("Operating"), []area{{words.Say("Signing keys"), keysPath}, {words.Say("Audit"), auditPath}}},
	}
}

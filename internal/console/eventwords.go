package console

import (
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/words"
)

// inWords returns what a code of the audit log means. One of a newer version, which shares the database, has its code alone.
func inWords[K ~string](said map[K]words.Text, code K) words.Text {
	if text, ok := said[code]; ok || code == "" {
		return text
	}
	return words.Say("%s", string(code))
}

// actionWords say what happened. The test says which of package audit's actions lacks words.
func actionWords() map[audit.Action]words.Text {
	return map[audit.Action]words.Text{
		audit.Refused:             words.Say("Call refused"),
		audit.UserCreate:          words.Say("User created"),
		audit.UserUpdate:          words.Say("User changed"),
		audit.UserDelete:          words.Say("User deleted"),
		audit.UserPassword:        words.Say("Own password changed"),
		audit.UserPasswordReset:   words.Say("Password reset"),
		audit.PersonalTokenRotate: words.Say("Personal token generated"),
		audit.PersonalTokenRevoke: words.Say("Personal token revoked"),
		audit.APITokenCreate:      words.Say("Web Service Token generated"),
		audit.APITokenUpdate:      words.Say("Web Service Token changed"),
		audit.APITokenDelete:      words.Say("Web Service Token deleted"),
		audit.AccessTokenRevoke:   words.Say("Access token revoked"),
		audit.ClientSecretCreate:  words.Say("Client secret generated"),
		audit.ClientSecretDelete:  words.Say("Client secret deleted"),
		audit.ClientKeyCreate:     words.Say("Client key added"),
		audit.ClientKeyDelete:     words.Say("Client key deleted"),
		audit.LinkCreate:          words.Say("Link made"),
		audit.LinkUse:             words.Say("Link used"),
		audit.SessionBegin:        words.Say("Logged in to the console"),
		audit.SessionEnd:          words.Say("Logged out of the console"),
		audit.SessionTokenCreate:  words.Say("Session token issued"),
		audit.SessionTokenEnd:     words.Say("Session token ended"),
		audit.SessionsEnd:         words.Say("All sessions of a user ended"),
		audit.AuthenticatorAdd:    words.Say("Authenticator app added"),
		audit.AuthenticatorRemove: words.Say("Authenticator app removed"),
		audit.PasskeyAdd:          words.Say("Passkey added"),
		audit.PasskeyRemove:       words.Say("Passkey removed"),
		audit.RecoveryCodesRenew:  words.Say("Recovery codes renewed"),
		audit.RecoveryCodeUse:     words.Say("Recovery code used"),
		audit.SecondFactorRemove:  words.Say("Second factor taken away"),
		audit.PlatformCreate:      words.Say("Platform enrolled"),
		audit.PlatformUpdate:      words.Say("Platform changed"),
		audit.PlatformDelete:      words.Say("Platform deleted"),
		audit.PlatformKeyCreate:   words.Say("Key of a platform added"),
		audit.PlatformKeyDelete:   words.Say("Key of a platform deleted"),
		audit.ProjectCreate:       words.Say("Project created"),
		audit.ProjectUpdate:       words.Say("Project changed"),
		audit.ProjectDelete:       words.Say("Project deleted"),
		audit.TokenSetCreate:      words.Say("Token set created"),
		audit.TokenSetUpdate:      words.Say("Token set changed"),
		audit.TokenSetDelete:      words.Say("Token set deleted"),
		audit.TokenSetEncrypt:     words.Say("Text encrypted by a token set"),
		audit.TokenSetDecrypt:     words.Say("Token decrypted by a token set"),
		audit.ServiceCreate:       words.Say("Service created"),
		audit.ServiceUpdate:       words.Say("Service changed"),
		audit.ServiceDelete:       words.Say("Service deleted"),
		audit.OperationsReplace:   words.Say("Operations of a service replaced"),
		audit.PepperCreate:        words.Say("Pepper created"),
		audit.SigningKeyCreate:    words.Say("Signing key created"),
		audit.SigningKeyRotate:    words.Say("Signing key rotated"),
		audit.SigningKeyRevoke:    words.Say("Signing key revoked"),
		audit.StoreRestore:        words.Say("Database restored"),
		audit.RefusalsOverflow:    words.Say("Calls refused, too many to be told apart"),
	}
}

// credentialWords say by what somebody showed who it is.
func credentialWords() map[string]words.Text {
	return map[string]words.Text{
		authority.KindNone.String():       words.Say("No credential"),
		authority.Password.String():       words.Say("Password"),
		authority.ConsoleSession.String(): words.Say("Session of the console"),
		authority.APISession.String():     words.Say("Browser session at an API"),
		authority.PersonalToken.String():  words.Say("Personal token"),
		authority.APIToken.String():       words.Say("Web Service Token"),
		authority.AccessToken.String():    words.Say("Access token"),
		authority.SessionToken.String():   words.Say("Session token"),
		authority.ClientSecret.String():   words.Say("Client secret"),
		authority.Assertion.String():      words.Say("Assertion of a platform"),
		authority.Sealed.String():         words.Say("Encrypted token"),
		authority.SecondFactor.String():   words.Say("Second factor"),
		authority.Link.String():           words.Say("Link that was sent"),
	}
}

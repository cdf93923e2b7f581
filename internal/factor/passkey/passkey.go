// Package passkey has browsers make passkeys and answer by them (Web Authentication Level 3), as a second factor: for a user who is
// known already, and never in the place of a name.
//
// It is the only package that knows the library by which that is done, which has not come to a version 1: docs/adr/036-second-factors.md.
// It keeps nothing. A challenge is its caller's to draw, to keep and to take but once.
//
// It refuses an answer to another challenge, for another site or by another's passkey, one that nobody was there to give, a changed
// signature, and a passkey whose counter has gone back, of which there may be a copy. It asks for no attestation, and so can't tell a
// hardware key from a program that behaves like one: what a person wants to be known by is the person's choice.
package passkey

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// ErrCloned says that an answer is good, but that its counter is none that comes after the last one: two hold the same key.
var ErrCloned = errors.New("the passkey's counter has gone back")

// ErrAnswer says that what came from a browser is no good answer. Any other error is none of the person's who answered.
var ErrAnswer = errors.New("no good answer")

// Credential is what is kept of a passkey. None of it is secret.
type Credential struct {
	ID, PublicKey  []byte
	SignCount      uint32
	BackupEligible bool     // whether it may be copied to the person's other devices
	Transports     []string // how a browser reaches it: "internal", "usb", …
}

// Owner is the user of passkeys, who is known already.
type Owner struct {
	ID                []byte // at most 64 bytes, the same for ever: it is kept with the passkey
	Name, DisplayName string
	Passkeys          []Credential
}

// Party is a site at which passkeys count: those of one host. Make one with New.
type Party struct{ lib *webauthn.WebAuthn }

// Possible reports whether a site of that URL can have passkeys at all: browsers ask for https, except at localhost, and for a name.
func Possible(publicURL string) bool {
	u, err := url.Parse(publicURL)
	if err != nil || u.Hostname() == "" {
		return false
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && u.Hostname() == "localhost"
}

// New returns the site of a URL, for which Possible is true.
func New(publicURL string) (*Party, error) {
	u, err := url.Parse(publicURL)
	if err != nil || !Possible(publicURL) {
		return nil, errors.New("passkey: a site of this URL can have no passkeys: it must be https or localhost, and name a host")
	}
	lib, err := webauthn.New(&webauthn.Config{
		RPID: strings.ToLower(u.Hostname()), RPDisplayName: "Jeton " + u.Hostname(), RPOrigins: []string{u.Scheme + "://" + u.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			// As a second factor it is found by the list that it is asked with: a key needs to keep no room for it.
			ResidentKey: protocol.ResidentKeyRequirementDiscouraged, UserVerification: protocol.VerificationPreferred,
		},
		// What password managers add to their answers unasked is looked at by nobody.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("passkey: configuring the site: %w", err)
	}
	return &Party{lib}, nil
}

// Creation returns what to call navigator.credentials.create with, in JSON, for the owner to make one more passkey: {"publicKey": …}, whose
// bytes are in base64url, as PublicKeyCredential.parseCreationOptionsFromJSON takes them. One device makes one passkey: the owner's are
// excluded.
func (p *Party) Creation(o *Owner, challenge []byte) ([]byte, error) {
	options, _, err := p.creation(o, challenge)
	if err != nil {
		return nil, err
	}
	return json.Marshal(options)
}

func (p *Party) creation(o *Owner, challenge []byte) (*protocol.CredentialCreation, *webauthn.SessionData, error) {
	u := user{o}
	options, session, err := p.lib.BeginRegistration(u, webauthn.WithExclusions(u.descriptors()), func(c *protocol.PublicKeyCredentialCreationOptions) error {
		c.Challenge = challenge
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("asking for a new passkey: %w", err)
	}
	return options, session, nil
}

// Created returns the passkey that a browser has made for the challenge, by the JSON of its answer. The error is ErrAnswer
// where that is no good.
func (p *Party) Created(o *Owner, challenge []byte, answer string) (Credential, error) {
	_, session, err := p.creation(o, challenge)
	if err != nil {
		return Credential{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return Credential{}, fmt.Errorf("reading a new passkey: %w: %w", ErrAnswer, err)
	}
	made, err := p.lib.CreateCredential(user{o}, *session, parsed)
	if err != nil {
		return Credential{}, fmt.Errorf("checking a new passkey: %w: %w", ErrAnswer, err)
	}
	c := Credential{ID: made.ID, PublicKey: made.PublicKey, SignCount: made.Authenticator.SignCount, BackupEligible: made.Flags.BackupEligible}
	for _, t := range made.Transport {
		c.Transports = append(c.Transports, string(t))
	}
	return c, nil
}

// Request returns what to call navigator.credentials.get with, in JSON, for the owner to answer by one of its passkeys: {"publicKey": …}.
func (p *Party) Request(o *Owner, challenge []byte) ([]byte, error) {
	options, _, err := p.request(o, challenge)
	if err != nil {
		return nil, err
	}
	return json.Marshal(options)
}

func (p *Party) request(o *Owner, challenge []byte) (*protocol.CredentialAssertion, *webauthn.SessionData, error) {
	options, session, err := p.lib.BeginLogin(user{o}, webauthn.WithChallenge(challenge))
	if err != nil {
		return nil, nil, fmt.Errorf("asking for a passkey: %w", err)
	}
	return options, session, nil
}

// Answered returns the passkey by which a browser has answered the challenge, with the counter that it has from now on. The error is
// ErrAnswer where that is no good, and ErrCloned.
func (p *Party) Answered(o *Owner, challenge []byte, answer string) (Credential, error) {
	_, session, err := p.request(o, challenge)
	if err != nil {
		return Credential{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return Credential{}, fmt.Errorf("reading a passkey's answer: %w: %w", ErrAnswer, err)
	}
	used, err := p.lib.ValidateLogin(user{o}, *session, parsed)
	if err != nil {
		return Credential{}, fmt.Errorf("checking a passkey's answer: %w: %w", ErrAnswer, err)
	}
	c := Credential{ID: used.ID, PublicKey: used.PublicKey, SignCount: used.Authenticator.SignCount, BackupEligible: used.Flags.BackupEligible}
	if used.Authenticator.CloneWarning {
		return c, ErrCloned
	}
	return c, nil
}

// user is an owner as the library wants it.
type user struct{ *Owner }

// WebAuthnID implements webauthn.User.
func (u user) WebAuthnID() []byte { return u.ID }

// WebAuthnName implements webauthn.User.
func (u user) WebAuthnName() string { return u.Name }

// WebAuthnDisplayName implements webauthn.User.
func (u user) WebAuthnDisplayName() string { return u.DisplayName }

// WebAuthnCredentials implements webauthn.User.
func (u user) WebAuthnCredentials() []webauthn.Credential {
	all := make([]webauthn.Credential, len(u.Passkeys))
	for i, c := range u.Passkeys {
		all[i] = webauthn.Credential{
			ID: c.ID, PublicKey: c.PublicKey, Flags: webauthn.CredentialFlags{BackupEligible: c.BackupEligible},
			Authenticator: webauthn.Authenticator{SignCount: c.SignCount},
		}
		for _, t := range c.Transports {
			all[i].Transport = append(all[i].Transport, protocol.AuthenticatorTransport(t))
		}
	}
	return all
}

func (u user) descriptors() []protocol.CredentialDescriptor {
	return webauthn.Credentials(u.WebAuthnCredentials()).CredentialDescriptors()
}

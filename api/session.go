package api

import "time"

// Session tells of a session of a user; it doesn't hold its secret.
type Session struct {
	ID         string    `json:"id" format:"uuid"`
	Kind       string    `json:"kind" enum:"session_token,console_session,api_session" doc:"a program's token, a browser that is logged in to the console, or one that an application has brought by its sealed tokens, which opens no console"`
	PlatformID string    `json:"platform_id,omitempty" format:"uuid" doc:"the platform that logged the user in; absent where it was a password"`
	Project    int       `json:"project,omitempty" doc:"the number of the project whose sealed tokens began it; absent where there were none"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero" doc:"to the minute; absent where it never was used; a browser has used it when it logged in"`
	LastUsedIP string    `json:"last_used_ip,omitempty"`
	ExpiresAt  time.Time `json:"expires_at"`
	Current    bool      `json:"current,omitempty" doc:"the one by which the caller came"`
}

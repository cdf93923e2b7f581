package config

import (
	"strconv"
	"strings"
	"time"
)

const (
	day = 24 * time.Hour
	// never is how a life without a bound is called.
	never = "never"
	// The bounds of an access token's life. A resource server that checks its signature alone honours it to its end, whatever
	// became of what it was got for: that mustn't be long.
	leastAccessTokenLife, mostAccessTokenLife = time.Minute, time.Hour
	// mostDays bounds a bound: a century, beyond which no API token is made anyway.
	mostDays = 36_500
)

// tokens reads how long tokens last.
func (r *reader) tokens(c *Config) {
	c.AccessTokenLife = r.durationWithin("access-token-life", leastAccessTokenLife, mostAccessTokenLife)
	c.APITokenMaxLifePerson, c.APITokenMaxLifeService = r.days("api-token-max-life-person"), r.days("api-token-max-life-service")
}

// days reads a number of days, as 365d: API tokens are made for whole days. Nothing, and "never", are 0.
func (r *reader) days(name string) time.Duration {
	value := r.k.String(name)
	if value == "" || value == never {
		return 0
	}
	number, ok := strings.CutSuffix(value, "d")
	n, err := strconv.Atoi(number)
	if err != nil || !ok || n < 1 || n > mostDays {
		r.fault(name, "is not 1d to %dd, or never", mostDays)
		return 0
	}
	return time.Duration(n) * day
}

// lifeText writes a bound as it is given.
func lifeText(d time.Duration) string {
	if d == 0 {
		return never
	}
	return strconv.Itoa(int(d/day)) + "d"
}

package config

import "time"

// proxy reads where the proxy listens, and how it treats upstreams.
func (r *reader) proxy(c *Config) {
	c.UpstreamCA = r.k.String("upstream-ca")
	c.UpstreamTimeout = r.durationWithin("upstream-timeout", time.Second, time.Hour)
	c.StreamIdle = r.durationWithin("stream-idle", time.Second, 24*time.Hour)
}

// durationWithin reads a duration with bounds on both sides.
func (r *reader) durationWithin(name string, least, most time.Duration) time.Duration {
	d := r.duration(name, least)
	if d > most {
		r.fault(name, "is longer than %s", most)
	}
	return d
}

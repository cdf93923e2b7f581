package config

import "time"

// proxy reads where the proxy listens, and how it treats upstreams.
func (r *reader) proxy(c *Config) {
	c.UpstreamCA = r.k.String("upstream-ca")
	c.UpstreamTimeout = r.durationWithin("upstream-timeout", time.Second, time.Hour)
	c.StreamIdle = r.durationWithin("stream-idle", time.Second, 24*time.Hour)
}

package config

import "net/http"

// profiles reads which products' clients are served, and how.
func (r *reader) profiles(c *Config) {
	c.Matrix42, c.BitCanuck, c.XDOC = r.onOff("matrix42"), r.onOff("bitcanuck"), r.onOff("xdoc")
	switch r.k.String("matrix42-refusal-status") {
	case "401":
		c.Matrix42RefusalStatus = http.StatusUnauthorized
	case "200":
		c.Matrix42RefusalStatus = http.StatusOK
	default:
		r.fault("matrix42-refusal-status", "is neither 401 nor 200")
	}
}

// onOff reads a switch. YAML's on and off are true and false by the time they come here.
func (r *reader) onOff(name string) bool {
	switch r.k.String(name) {
	case "on", "true":
		return true
	case "off", "false":
		return false
	}
	r.fault(name, "is neither on nor off")
	return false
}

func onOff(value bool) string {
	if value {
		return "on"
	}
	return "off"
}

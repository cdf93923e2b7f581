package policy

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxHost bounds a host in bytes: 253 of the name, and a port.
	maxHost = 253 + len(":65535")
	// maxPrefix bounds a path prefix in bytes.
	maxPrefix = 255
)

// cutPort splits a host before the colon of its port. The port keeps the colon,
// and is empty where there is none.
func cutPort(host string) (name, port string) {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host[:i], host[i:]
	}
	return host, ""
}

// foldHost appends the host in lower case and without the dot at the end of its
// name to buffer, and returns it with and without its port. It returns nothing
// for what is too long to be a host.
func foldHost(buffer []byte, host string) (key, name []byte) {
	bare, port := cutPort(host)
	bare = strings.TrimSuffix(bare, ".")
	if len(bare)+len(port) > maxHost {
		return nil, nil
	}
	for i := range len(bare) {
		c := bare[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		buffer = append(buffer, c)
	}
	if port == "" || port == ":" {
		return buffer, buffer
	}
	return append(buffer, port...), buffer
}

// hostProblem says why a service can't have this host, and is empty where it
// can. Names must be in the form that requests carry: non-ASCII as punycode.
func hostProblem(host string) string {
	if strings.Contains(host, "/") { // a URL: its colon would pass for that of a port
		return "give a host without scheme or path, such as api.example.com"
	}
	bare, port := cutPort(host)
	if port != "" {
		number, err := strconv.ParseUint(port[1:], 10, 16)
		if err != nil || strconv.FormatUint(number, 10) != port[1:] || number == 0 {
			return "its port is no number from 1 to 65535"
		}
	}
	if strings.HasPrefix(bare, "[") {
		address, err := netip.ParseAddr(strings.Trim(bare, "[]"))
		if err == nil && address.Is6() && address.Zone() == "" && "["+address.String()+"]" == bare {
			return ""
		}
		return "write an IPv6 address in its shortest form in brackets, such as [2001:db8::1]"
	}
	bare = strings.TrimSuffix(bare, ".")
	labels := strings.Split(bare, ".")
	if len(bare) > 253 || slices.ContainsFunc(labels, func(label string) bool { return !isLabel(label) }) {
		return "write only the name, such as api.example.com or xn--caf-dma.example, and a port if need be"
	}
	return ""
}

// isLabel also takes the underscore, which container networks use.
func isLabel(label string) bool {
	for i := range len(label) {
		if c := label[i]; !isAlphanumeric(c) && c != '-' && c != '_' {
			return false
		}
	}
	return label != "" && len(label) <= 63 && label[0] != '-' && label[len(label)-1] != '-'
}

// prefixProblem admits only unreserved characters. Every other has several
// spellings that CheckPath lets through, and a prefix is compared byte by byte.
func prefixProblem(prefix string) string {
	if prefix == "" || prefix == "/" {
		return ""
	}
	if len(prefix) > maxPrefix || prefix[0] != '/' || prefix[len(prefix)-1] == '/' {
		return `write "/" or at most 255 bytes such as /api, which begin with a slash and don't end in one`
	}
	for segment := range strings.SplitSeq(prefix[1:], "/") {
		if segment == "" || isDotSegment(segment) {
			return "it has an empty segment or a dot segment"
		}
		if slices.ContainsFunc([]byte(segment), func(c byte) bool { return !isUnreserved(c) }) {
			return "write its segments with letters, digits, '-', '.', '_' and '~' only"
		}
	}
	return ""
}

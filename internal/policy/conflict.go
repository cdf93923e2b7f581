package policy

import "strings"

// relation compares the calls that two patterns match. Its bits can be
// gathered segment by segment: none means that both match the same calls, one
// that this pattern is the more general, both that they overlap and neither is
// more specific. Apart makes every other bit meaningless.
type relation uint8

const (
	leftMore  relation = 1 << iota // the left one matches calls that the right one doesn't
	rightMore                      // the reverse
	apart                          // no call matches both
)

const overlapping = leftMore | rightMore

// firstConflict finds two patterns between which precedence can't decide. It
// compares every pair: for 1,000 patterns that is a matter of milliseconds,
// paid when the catalog changes.
func firstConflict(service string, patterns []pattern) error {
	for j := range patterns {
		for i := range j {
			left, right := &patterns[i], &patterns[j]
			if rel := left.compare(right); rel == 0 || rel == overlapping {
				return &ConflictError{
					Service: service, A: left.source, B: right.source,
					Example: left.common(right),
				}
			}
		}
	}
	return nil
}

func (p *pattern) compare(q *pattern) relation {
	rel := compareMethods(p.method, q.method)
	for i := 0; rel&apart == 0; i++ {
		if i >= len(p.segments) || i >= len(q.segments) {
			return rel | compareEnds(p, q)
		}
		rel |= compareSegments(p.segments[i], q.segments[i])
	}
	return apart
}

func compareMethods(left, right string) relation {
	switch {
	case left == right:
		return 0
	case left == "" || left == "GET" && right == "HEAD":
		return leftMore
	case right == "" || right == "GET" && left == "HEAD":
		return rightMore
	default:
		return apart
	}
}

// compareEnds judges two patterns whose common length has been compared. Of
// two unlike lengths, the shorter pattern must end in a remainder to match
// anything of the longer one's, and then it matches more.
func compareEnds(p, q *pattern) relation {
	switch {
	case len(p.segments) == len(q.segments):
		return 0
	case len(p.segments) < len(q.segments) && p.segments[len(p.segments)-1].kind == remainder:
		return leftMore
	case len(q.segments) < len(p.segments) && q.segments[len(q.segments)-1].kind == remainder:
		return rightMore
	default:
		return apart
	}
}

func compareSegments(left, right segment) relation {
	switch {
	case left.kind == right.kind:
		if left.kind == literal && left.text != right.text {
			return apart
		}
		return 0
	case left.kind == remainder:
		return leftMore
	case right.kind == remainder:
		return rightMore
	case left.kind == final || right.kind == final:
		// {$} needs nothing after the slash, a literal or {x} something.
		return apart
	case left.kind == wildcard:
		return leftMore
	default:
		return rightMore
	}
}

// common writes a call that both patterns match, where there is one. For a
// wildcard its name stands in.
func (p *pattern) common(q *pattern) string {
	var path strings.Builder
	for i := range max(len(p.segments), len(q.segments)) {
		path.WriteByte('/')
		switch s := narrower(p.segments, q.segments, i); s.kind {
		case literal:
			path.WriteString(s.raw)
		case wildcard:
			path.WriteString(s.text)
		}
	}
	method := p.method
	if compareMethods(p.method, q.method) == leftMore {
		method = q.method
	}
	if method == "" {
		return path.String()
	}
	return method + " " + path.String()
}

// narrower chooses the segment that matches less. A pattern that is too short
// to have one ends in a remainder, which matches whatever the other demands.
func narrower(left, right []segment, i int) segment {
	if i >= len(left) {
		return right[i]
	}
	if i < len(right) && compareSegments(left[i], right[i]) == leftMore {
		return right[i]
	}
	return left[i]
}

package policy

import "strings"

// operation is a compiled Operation.
type operation struct {
	source *Operation
	admission
}

// tree are the operations of one method, or of any.
type tree struct {
	method string // empty for any
	root   *node
	size   int // operations
}

// branches are the nodes after a node, by the decoded text of the segment between.
type branches struct {
	few  []branch
	many map[string]*node // nil while they are few
}

type branch struct {
	text string
	node *node
}

func (b *branches) find(text string) *node {
	if b.many != nil {
		return b.many[text]
	}
	for i := range b.few {
		if b.few[i].text == text {
			return b.few[i].node
		}
	}
	return nil
}

func (b *branches) add(text string, n *node) {
	if b.many != nil {
		b.many[text] = n
		return
	}
	if b.few = append(b.few, branch{text, n}); len(b.few) <= fewAtMost {
		return
	}
	b.many = make(map[string]*node, len(b.few))
	for _, one := range b.few {
		b.many[one.text] = one.node
	}
	b.few = nil
}

// node is the state after some segments of a path have been matched. Every
// operation of a service hangs on a path of nodes of its own method's tree; no
// two hang on the same place, because their patterns would have conflicted.
type node struct {
	literals branches
	wildcard *node
	here     *operation // the path ends here
	slash    *operation // {$}: the path ends here with a slash
	rest     *operation // {x...}: a slash and anything
}

func (n *node) insert(segments []segment, op *operation) {
	if len(segments) == 0 {
		n.here = op
		return
	}
	switch first := segments[0]; first.kind {
	case final:
		n.slash = op
	case remainder:
		n.rest = op
	case wildcard:
		if n.wildcard == nil {
			n.wildcard = &node{}
		}
		n.wildcard.insert(segments[1:], op)
	default:
		next := n.literals.find(first.text)
		if next == nil {
			next = &node{}
			n.literals.add(first.text, next)
		}
		next.insert(segments[1:], op)
	}
}

// match finds the most specific operation below n for what is left of a path:
// a literal goes before a wildcard, and that before a remainder. Going back
// when a choice fails visits no node twice, so that a match costs at most the
// size of the tree and usually the number of segments. An empty segment that
// isn't the last (a service can allow them) is matched by a remainder only: it
// is nobody's {id}.
func (n *node) match(path string) *operation {
	switch {
	case n == nil:
		return nil
	case path == "":
		return n.here
	case path == "/" && n.slash != nil:
		return n.slash
	case path == "/":
		return n.rest
	}
	raw, left := path[1:], ""
	if i := strings.IndexByte(raw, '/'); i >= 0 {
		raw, left = raw[:i], raw[i:]
	}
	if raw != "" {
		if op := n.literals.find(decode(raw)).match(left); op != nil {
			return op
		}
		if op := n.wildcard.match(left); op != nil {
			return op
		}
	}
	return n.rest
}

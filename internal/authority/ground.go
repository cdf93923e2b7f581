package authority

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/google/uuid"
)

// ground is a record on which proofs rest: 32 bytes. It is written before any proof names it, and then only ever marked
// as dead. Its place is never given to another.
type ground struct {
	id    uuid.UUID
	place uint64        // of its names in text
	names atomic.Uint64 // number of its roles (16 bits) | lengths of user name, display name, e-mail (16 bits each)
}

// What names holds that isn't a user's.
const (
	dead   uint64 = 0
	noUser uint64 = 1 << 48
)

// firstRoles is the number of the first set of roles.
const firstRoles = 2

// maxName bounds a name, in bytes.
const maxName = 1<<16 - 1

// put returns the place of the ground of an ID, with its names where it is a user's. One that is remembered already
// stays as it is: had it changed, it would have been forgotten, or soon will be. It returns false for a user that can't
// be remembered.
func (x *index) put(id uuid.UUID, u *User) (place uint32, ok bool) {
	hash := hashOfID(id)
	at := x.findID(hash, id)
	if g := x.groundOf(at); g != nil {
		if names := g.names.Load(); names != dead && (u == nil || names != noUser) {
			return placeIn(x.byID[at]), true
		}
		g.names.Store(dead) // of a credential whose ID is a user's: what rests on it is asked about anew
	}
	names, text := noUser, uint64(0)
	if u != nil {
		if names, ok = x.describe(u); !ok {
			return 0, false
		}
		text = x.text.put(u.Username, u.DisplayName, u.Email)
	}
	return x.putAt(at, hash, id, text, names), true
}

// putAt gives the ground of an ID the next place, and enters that where findID found that it belongs.
func (x *index) putAt(at int, hash uint64, id uuid.UUID, text, names uint64) (place uint32) {
	place = x.next
	g := &x.grounds[place]
	g.id, g.place = id, text
	g.names.Store(names)
	x.byID[at] = tagOf(hash) | (place + 1)
	x.next++
	return place
}

// describe packs the roles of a user and the lengths of its names into a word.
func (x *index) describe(u *User) (names uint64, ok bool) {
	if max(len(u.Username), len(u.DisplayName), len(u.Email)) > maxName {
		return 0, false
	}
	roles, ok := x.putRoles(u.Roles)
	return uint64(roles+firstRoles)<<48 | uint64(len(u.Username))<<32 | uint64(len(u.DisplayName))<<16 | uint64(len(u.Email)), ok
}

// user fills u from a ground and its names.
func (x *index) user(g *ground, names uint64, u *User) {
	name, display, mail := names>>32&maxName, names>>16&maxName, names&maxName
	s := x.text.at(g.place)
	u.ID, u.Roles, u.Active, u.Suspended = g.id, x.roles.at(uint32(names>>48)-firstRoles), true, false
	u.Username, u.DisplayName, u.Email = s[:name], s[name:name+display], s[name+display:name+display+mail]
}

// hashOfID spreads IDs over hash tables. The second half of a UUID of version 7 is random (RFC 9562, section 5.7). The factor, 2⁶⁴
// over the golden ratio, spreads IDs that somebody has numbered.
func hashOfID(id uuid.UUID) uint64 {
	return binary.BigEndian.Uint64(id[8:]) * 0x9e3779b97f4a7c15
}

// tagOf returns bits of an ID's hash other than those that its home is made of. By them a probe that goes past others' words need
// not look at their grounds, each of which would be a step aside in memory.
func tagOf(hash uint64) uint32 { return uint32(hash>>8) << placeBits } //nolint:gosec // G115: the low bits

// placeIn returns the place of the ground that a word of byID names.
func placeIn(word uint32) uint32 { return word&(1<<placeBits-1) - 1 }

// groundOf returns the ground that the word of byID there names, or nil where it is empty.
func (x *index) groundOf(at int) *ground {
	if x.byID[at] == 0 {
		return nil
	}
	return &x.grounds[placeIn(x.byID[at])]
}

// findID returns where in byID the ID of that hash stands or, where it doesn't, the empty word for it.
func (x *index) findID(hash uint64, id uuid.UUID) int {
	tag := tagOf(hash)
	at := home(hash, len(x.byID))
	for {
		word := x.byID[at]
		if word == 0 || word>>placeBits == tag>>placeBits && x.grounds[placeIn(word)].id == id {
			return at
		}
		if at++; at == len(x.byID) {
			at = 0
		}
	}
}

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

const (
	groundChunk = 1 << 10
	maxName     = 1<<16 - 1 // in bytes
)

// ground returns the ground in a place that was given.
func (x *index) ground(place uint32) *ground { return &x.grounds[place/groundChunk][place%groundChunk] }

// put returns the place of the ground of an ID, with its names where it is a user's. One that is remembered already
// stays as it is: had it changed, it would have been forgotten, or soon will be. It returns false for a user that can't
// be remembered.
func (x *index) put(id uuid.UUID, u *User) (place uint32, ok bool) {
	at := x.findID(id)
	if known := x.byID[at]; known != 0 {
		g := x.ground(known - 1)
		if names := g.names.Load(); names != dead && (u == nil || names != noUser) {
			return known - 1, true
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
	place = x.next
	if x.grounds[place/groundChunk] == nil {
		x.grounds[place/groundChunk] = new([groundChunk]ground)
	}
	g := x.ground(place)
	g.id, g.place = id, text
	g.names.Store(names)
	x.byID[at] = place + 1
	x.next++
	return place, true
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
	u.ID, u.Roles, u.Active = g.id, x.roles.at(uint32(names>>48)-firstRoles), true
	u.Username, u.DisplayName, u.Email = s[:name], s[name:name+display], s[name+display:name+display+mail]
}

// forget marks the ground of an ID as dead, and with it every proof that rests on it.
func (x *index) forget(id uuid.UUID) {
	if known := x.byID[x.findID(id)]; known != 0 {
		x.ground(known - 1).names.Store(dead)
	}
}

// findID returns where in byID the ID stands or, where it doesn't, the empty word for it.
func (x *index) findID(id uuid.UUID) int {
	// The second half of a UUID of version 7 is random (RFC 9562, section 5.7). The factor, 2⁶⁴ over the golden ratio,
	// spreads IDs that somebody has numbered.
	at := home(binary.BigEndian.Uint64(id[8:])*0x9e3779b97f4a7c15, len(x.byID))
	for x.byID[at] != 0 && x.ground(x.byID[at]-1).id != id {
		if at++; at == len(x.byID) {
			at = 0
		}
	}
	return at
}

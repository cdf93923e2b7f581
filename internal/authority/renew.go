package authority

// renewed returns a new index of what still holds in x, with room for more. Where that is nearly the most that there
// may be, a quarter of it is left behind: which, is as random as keys are.
//
// It is what sweeps out ended and dead proofs, users without proofs, and the names of both. It goes over all large parts
// from front to back: at a million proofs, a step aside costs more than all else that is done about one. Nothing is
// added to x meanwhile, but grounds may die, and proofs end.
func (x *index) renewed(second int64, maxProofs int) *index {
	moved := make([]uint32, x.next) // by place: 1 for what is to move, then its new place plus one; 0 stays behind
	x.each(second, func(_ *proofRecord, b proofBody) {
		user, record := b.places()
		moved[user], moved[record] = 1, 1
	})
	grounds := 0
	for place := range x.next {
		if x.grounds[place].names.Load() == dead {
			moved[place] = 0
		}
		grounds += int(moved[place])
	}
	proofs := 0
	x.each(second, func(_ *proofRecord, b proofBody) {
		user, record := b.places()
		proofs += int(moved[user] & moved[record])
	})
	crowded := proofs > maxProofs/4*3

	move := move{from: x, to: newIndex(proofs, grounds, maxProofs, x.alike)}
	for place := range x.next {
		if moved[place] != 0 {
			moved[place] = move.ground(place)
		}
	}
	seen := 0
	x.each(second, func(r *proofRecord, b proofBody) {
		user, record := b.places()
		if moved[user] == 0 || moved[record] == 0 {
			return
		}
		if seen++; crowded && seen%4 == 1 {
			return
		}
		k := key{r.key[0].Load(), r.key[1].Load()}
		move.to.add(k, bodyOf(moved[user]-1, moved[record]-1, move.limits(b.limits()), b.until(), b.kind()), r.used.Load())
	})
	return move.to
}

// each calls do for each proof that has not ended.
func (x *index) each(second int64, do func(r *proofRecord, b proofBody)) {
	for i := range x.proofs {
		r := &x.proofs[i]
		if b, ok := r.read(); ok && !ended(b.until(), second) {
			do(r, b)
		}
	}
}

// move copies from an index to a new one, which has room for all of it and no more sets of roles or limits than there were.
type move struct {
	from, to  *index
	roles     []uint32 // by number in the former, that in the new one plus one; 0 where it isn't known yet
	limitSets []uint32 // likewise
}

// ground copies a ground, and returns its new place plus one, or 0 where it has died.
func (m *move) ground(place uint32) uint32 {
	g := &m.from.grounds[place]
	names := g.names.Load()
	text := uint64(0)
	switch names {
	case dead:
		return 0
	case noUser:
	default:
		size := names&maxName + names>>16&maxName + names>>32&maxName
		text = m.to.text.put(m.from.text.at(g.place)[:size])
		number := renumbered(&m.roles, uint32(names>>48)-firstRoles, func(number uint32) uint32 {
			number, _ = m.to.putRoles(m.from.roles.at(number))
			return number
		})
		names = uint64(number+firstRoles)<<48 | names&(1<<48-1)
	}
	hash := hashOfID(g.id)
	return m.to.putAt(m.to.findID(hash, g.id), hash, g.id, text, names) + 1
}

// limits returns the new number of limits.
func (m *move) limits(number uint32) uint32 {
	if number == 0 {
		return 0
	}
	return renumbered(&m.limitSets, number, func(number uint32) uint32 {
		number, _ = m.to.putLimits(m.from.limitsOf(number))
		return number
	})
}

// renumbered returns the new number for a former one, and asks for it once.
func renumbered(known *[]uint32, former uint32, ask func(uint32) uint32) uint32 {
	for int(former) >= len(*known) {
		*known = append(*known, 0)
	}
	if (*known)[former] == 0 {
		(*known)[former] = ask(former) + 1
	}
	return (*known)[former] - 1
}

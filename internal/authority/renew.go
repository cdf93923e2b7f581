package authority

// renewed returns a new index of what still holds in x, with room for more. Where that is nearly the most that there
// may be, a quarter of it is left behind: which, is as random as keys are.
//
// It is what sweeps out ended and dead proofs, users without proofs, and the names of both. It goes over all large parts
// from front to back: at a million proofs, a step aside costs more than all else that is done about one. Nothing is
// added to x meanwhile, but grounds may die.
func (x *index) renewed(now int64, maxProofs int) *index {
	moved := make([]uint32, x.next) // by place: 1 for what is to move, then its new place plus one; 0 stays behind
	x.each(now, func(_ *proofRecord, user, record uint32) { moved[user], moved[record] = 1, 1 })
	grounds := 0
	for place := range x.next {
		if x.ground(place).names.Load() == dead {
			moved[place] = 0
		}
		grounds += int(moved[place])
	}
	proofs := 0
	x.each(now, func(_ *proofRecord, user, record uint32) { proofs += int(moved[user] & moved[record]) })
	crowded := proofs > maxProofs/4*3

	fresh := newIndex(proofs, grounds, maxProofs)
	for place := range x.next {
		if moved[place] != 0 {
			moved[place] = fresh.adopt(x, place)
		}
	}
	seen := 0
	x.each(now, func(r *proofRecord, user, record uint32) {
		if moved[user] == 0 || moved[record] == 0 {
			return
		}
		if seen++; crowded && seen%4 == 1 {
			return
		}
		k := key{r.words[proofKey].Load(), r.words[proofKey+1].Load()}
		limits, _ := fresh.putLimits(x.limitsOf(uint32(r.words[proofLimits].Load()))) //nolint:gosec // G115: it was one
		fresh.add(k, proofBody{r.words[proofEnd].Load(), groundsOf(moved[user]-1, moved[record]-1), uint64(limits)}, r.used.Load())
	})
	return fresh
}

// each calls do for each proof that has not ended, with the places of its grounds.
func (x *index) each(now int64, do func(r *proofRecord, user, record uint32)) {
	for i := range x.proofs {
		r := &x.proofs[i]
		if r.words[proofKey].Load() == 0 || ended(r.words[proofEnd].Load(), now) {
			continue
		}
		user, record := splitGrounds(r.words[proofGrounds].Load())
		do(r, user, record)
	}
}

// adopt copies a ground of another index, and returns its new place plus one, or 0 where it has died.
func (x *index) adopt(from *index, place uint32) uint32 {
	g := from.ground(place)
	var user *User
	switch names := g.names.Load(); names {
	case dead:
		return 0
	case noUser:
	default:
		user = new(User)
		from.user(g, names, user)
	}
	to, _ := x.put(g.id, user) // there is room, and no more sets of roles than there were
	return to + 1
}

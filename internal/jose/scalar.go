package jose

func (r *reader) literal() error {
	for _, word := range [...]string{"true", "false", "null"} {
		if rest := r.data[r.at:]; len(rest) >= len(word) && string(rest[:len(word)]) == word {
			r.at += len(word)
			return nil // a letter that follows is refused by whoever expects a comma or a bracket
		}
	}
	return refuse(ErrJSON, "a value is missing or misspelt")
}

// number goes over a number. It reads none: how long it may be is for whoever asks for its value.
func (r *reader) number() error {
	r.take('-')
	whole := r.take('0') || r.digits()
	if r.take('.') {
		whole = whole && r.digits()
	}
	if r.take('e') || r.take('E') {
		if !r.take('-') {
			r.take('+')
		}
		whole = whole && r.digits()
	}
	if !whole {
		return refuse(ErrJSON, "a number is misspelt")
	}
	return nil // a digit behind a leading zero is refused by whoever expects a comma or a bracket
}

// digits goes over digits and reports whether there was one.
func (r *reader) digits() bool {
	from := r.at
	for isDigit(r.peek()) {
		r.at++
	}
	return r.at > from
}

func isDigit(c byte) bool { return c-'0' < 10 }

package main

import "testing"

func TestShift(t *testing.T) {
	if err := works(); err != nil {
		t.Error(err)
	}
}

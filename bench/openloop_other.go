//go:build !linux

package main

import "errors"

// run can't send anything here: the bench is at home on Linux, and elsewhere only has to build.
func (*openLoop) run() (outcome, error) {
	return outcome{}, errors.New("an open loop needs Linux")
}

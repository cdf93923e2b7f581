// Package e2e_test runs Jeton as its users do: the commands of the README, the shipped binary as a process of its
// own, and real proxies before a real API, with the configurations of deploy/ as they are.
//
// Those configurations name fixed loopback ports. So that they collide with nothing else on the machine, the tests
// run themselves again inside a network namespace of their own where the system allows that.
package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// insideVar tells the second run of the test binary that it is the one inside the namespace.
const insideVar = "JETON_E2E_INSIDE"

func TestMain(m *testing.M) {
	if os.Getenv(insideVar) == "" && exec.Command("unshare", "--net", "true").Run() == nil {
		os.Exit(runInside())
	}
	if os.Getenv(insideVar) == "" {
		fmt.Println("e2e: no network namespace can be made here; the tests use the machine's own loopback ports 5432, 8000 to 8004, 8012, 8080 to 8082, 9000 and 9090")
	} else if err := exec.Command("ip", "link", "set", "lo", "up").Run(); err != nil {
		fmt.Println("e2e: bringing up loopback in the namespace:", err)
		os.Exit(1)
	}
	os.Exit(runTests(m))
}

// runTests runs the tests, with a folder for the program that they run.
func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "jeton-e2e-")
	if err != nil {
		fmt.Println("e2e: making a folder for the program:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	shipped = sync.OnceValues(func() (string, error) {
		path := filepath.Join(dir, "jeton")
		out, err := exec.Command("go", "build", "-o", path, "../../cmd/jeton").CombinedOutput()
		if err != nil {
			err = fmt.Errorf("building Jeton: %w\n%s", err, out)
		}
		return path, err
	})
	return m.Run()
}

// shipped builds the shipped binary, once for all tests, and returns its path.
var shipped func() (string, error)

// jetonProgram returns the path of the shipped binary.
func jetonProgram(t *testing.T) string {
	t.Helper()
	path, err := shipped()
	must(t, err)
	return path
}

// runInside runs this test binary once more, with the same arguments, in a new network namespace.
func runInside() int {
	cmd := exec.Command("unshare", append([]string{"--net", "--", os.Args[0]}, os.Args[1:]...)...)
	cmd.Env = append(os.Environ(), insideVar+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		fmt.Println("e2e: running in a network namespace:", err)
		return 1
	}
	return 0
}

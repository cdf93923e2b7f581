package cli_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/pflag"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/app"
	"github.com/jeton-io/jeton/internal/cli"
	"github.com/jeton-io/jeton/internal/config"
)

// adminPassword is the administrator's in every script.
const adminPassword = "adminCANARY1"

// crashOutput names the variable of the environment that tells the program under test a file for what it says when it crashes, as by
// SIGQUIT: its terminal may be gone.
const crashOutput = "CRASH_OUTPUT"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"jeton": func() {
			if to := os.Getenv(crashOutput); to != "" {
				if f, err := os.Create(to); err == nil {
					_ = debug.SetCrashOutput(f, debug.CrashOptions{})
				}
			}
			ctx, stop := signal.NotifyContext(context.Background(), cli.Endings()...)
			code := cli.Run(ctx, cli.Process())
			stop()
			os.Exit(code)
		},
	})
}

// TestScripts runs each script of testdata/script against a Jeton of its own, as an administrator. The program under
// test is a process with the real arguments, environment and files; what it talks to is the real server.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			data := filepath.Join(env.WorkDir, ".data")
			url, stop, err := startJeton(data)
			if err != nil {
				return err
			}
			env.Defer(func() {
				if err := stop(); err != nil {
					env.T().Fatal("stopping Jeton: ", err)
				}
			})
			// What an archive of text files can't hold: no line break at the end, and that of another system.
			for name, text := range map[string]string{"unended.password": "aliceCANARY1", "crlf.password": "lfCANARY1\r\n"} {
				if err := os.WriteFile(filepath.Join(env.WorkDir, name), []byte(text), 0o600); err != nil {
					return err
				}
			}
			token, err := adminToken(url)
			env.Setenv("JETON_URL", url)
			env.Setenv("ADMIN_TOKEN", token)
			env.Setenv("JETON_TOKEN", token)
			return err
		},
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "keep": keep, "as": as, "suspend": suspend, "login": login, "present": present},
		RequireExplicitExec: true,
	})
}

// startJeton runs a server on free ports until stop. It has its data in the folder.
func startJeton(data string) (url string, stop func() error, err error) {
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.Flags(flags)
	cfg, err := config.Load(flags, []string{
		"JETON_LISTEN=127.0.0.1:0", "JETON_GATEWAY_LISTEN=127.0.0.1:0", "JETON_ADMIN_LISTEN=127.0.0.1:0",
		"JETON_DATA=" + data, "JETON_ADMIN_PASSWORD=" + adminPassword, "JETON_LOG_FORMAT=json",
	})
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	started, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- app.Run(ctx, app.Options{Config: cfg, Started: func(a app.Addresses) { started <- a.Public }})
	}()
	select {
	case err := <-ended:
		cancel()
		return "", nil, fmt.Errorf("starting Jeton: %w", err)
	case at := <-started:
		return "http://" + at.String(), func() error { cancel(); return <-ended }, nil
	}
}

// adminToken makes the administrator's token, with which most commands of the scripts are run: checking a password takes
// long on purpose.
func adminToken(url string) (string, error) {
	c, err := client.New(client.Config{BaseURL: url, Username: "admin", Password: adminPassword})
	if err != nil {
		return "", err
	}
	issued, err := c.RotatePersonalToken(context.Background())
	return issued.Token, err
}

// as puts a credential into the environment in place of any other: as alice PASSWORD, or as TOKEN. Without either, there
// is none.
func as(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 2 {
		ts.Fatalf("usage: as [NAME PASSWORD | TOKEN]")
	}
	for _, name := range []string{"JETON_USERNAME", "JETON_PASSWORD", "JETON_PASSWORD_FILE", "JETON_TOKEN", "JETON_TOKEN_FILE"} {
		ts.Setenv(name, "")
	}
	switch len(args) {
	case 1:
		ts.Setenv("JETON_TOKEN", args[0])
	case 2:
		ts.Setenv("JETON_USERNAME", args[0])
		ts.Setenv("JETON_PASSWORD", args[1])
	}
}

// exits runs a program and compares its exit code: exits 2 jeton nonsense.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGUMENT...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got, err := 0, ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got, err = exit.ExitCode(), nil
	}
	ts.Check(err)
	if got != want {
		ts.Fatalf("got exit code %d, want %d", got, want)
	}
}

// keep puts the content of a file, or of stdout, into a variable: keep TOKEN stdout.
func keep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: keep VARIABLE FILE")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// suspend suspends a service, as a restore does, which can't be done while the server runs: suspend NAME. The server hears of it
// with the next change of any service.
func suspend(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: suspend NAME")
	}
	db, err := sql.Open("sqlite", "file:"+ts.MkAbs(filepath.Join(".data", "jeton.db"))+"?_pragma=busy_timeout(5000)")
	ts.Check(err)
	_, err = db.Exec(`UPDATE service SET suspended = 1, version = version + 1 WHERE name = ?`, args[0])
	ts.Check(errors.Join(err, db.Close()))
}

// login logs a program in, as BitCanuck's clients do, and puts its session token into a variable: login EMAIL PASSWORD VARIABLE.
func login(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: login EMAIL PASSWORD VARIABLE")
	}
	body, err := json.Marshal(map[string]string{"email": args[0], "password": args[1]})
	ts.Check(err)
	begin(ts, neg, "/api/v1/authenticate", map[string]string{"Content-Type": "application/json"}, string(body), args[2])
}

// present presents an assertion, as BitCanuck's platforms do: present CODE FILE VARIABLE.
func present(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: present CODE FILE VARIABLE")
	}
	begin(ts, neg, "/api/v1/authenticate-jwt/"+args[0], map[string]string{"Token": strings.TrimSpace(ts.ReadFile(args[1]))}, "", args[2])
}

// begin begins a session and puts its token into a variable. With neg, it is refused.
func begin(ts *testscript.TestScript, neg bool, path string, header map[string]string, body, variable string) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, ts.Getenv("JETON_URL")+path, strings.NewReader(body))
	ts.Check(err)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer func() { _ = res.Body.Close() }()
	if neg && res.StatusCode == http.StatusUnauthorized {
		return
	}
	var answer struct{ Data struct{ ID string } }
	err = json.NewDecoder(res.Body).Decode(&answer)
	if err != nil || neg || answer.Data.ID == "" {
		ts.Fatalf("got status %d and %v", res.StatusCode, err)
	}
	ts.Setenv(variable, answer.Data.ID)
}

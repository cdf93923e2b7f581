package deploy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knadh/koanf/parsers/yaml"

	"github.com/jeton-io/jeton/internal/cli"
)

const composed = "../../deploy/compose"

// object is a mapping of YAML. Its methods fail the test where what they look for is of another kind.
type object map[string]any

func parseYAML(t *testing.T, text string) object {
	t.Helper()
	parsed, err := yaml.Parser().Unmarshal([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// at follows keys into an object.
func (o object) at(t *testing.T, keys ...string) object {
	t.Helper()
	for _, key := range keys {
		next, ok := o[key].(map[string]any)
		if !ok {
			t.Fatalf("got %v for %s of %v, want an object", o[key], key, keys)
		}
		o = next
	}
	return o
}

// texts returns a list, each item as text.
func (o object) texts(key string) []string {
	var all []string
	list, _ := o[key].([]any)
	for _, item := range list {
		all = append(all, fmt.Sprint(item))
	}
	return all
}

// pinned is an image by a tag that isn't whatever is newest. It names no registry: those who run it have theirs.
var pinned = regexp.MustCompile(`^(jeton:local|[a-z]+:[0-9]+(\.[0-9]+)*-[a-z]+)$`)

// nodes returns the three nodes.
func nodes(t *testing.T, services object) map[string]object {
	t.Helper()
	found := map[string]object{}
	for name := range services {
		if s := services.at(t, name); s["image"] == "jeton:local" {
			found[name] = s
		}
	}
	if len(found) != 3 {
		t.Fatalf("got %d nodes, want 3", len(found))
	}
	return found
}

// TestComposeServices holds every service to what keeps its neighbours, the host and the secrets safe.
func TestComposeServices(t *testing.T) {
	file := parseYAML(t, read(t, filepath.Join(composed, "compose.yaml")))
	services, secrets, volumes := file.at(t, "services"), file.at(t, "secrets"), file.at(t, "volumes")
	for name := range services {
		s := services.at(t, name)
		if image := fmt.Sprint(s["image"]); !pinned.MatchString(image) {
			t.Errorf("%s: got the image %s, want one pinned", name, image)
		}
		for _, port := range s.texts("ports") {
			if name != "nginx" || !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: got the port %s, want none but nginx's, on loopback", name, port)
			}
		}
		for _, used := range s.texts("secrets") {
			if _, ok := secrets[used]; !ok {
				t.Errorf("%s: uses the secret %s, which isn't there", name, used)
			}
		}
		for _, mount := range s.texts("volumes") {
			source, rest, _ := strings.Cut(mount, ":")
			if strings.HasPrefix(source, ".") {
				if _, err := os.Stat(filepath.Join(composed, source)); err != nil || !strings.HasSuffix(rest, ":ro") {
					t.Errorf("%s: got the mount %s of a file that isn't there, or could be written to: %v", name, mount, err)
				}
			} else if _, ok := volumes[source]; !ok {
				t.Errorf("%s: uses the volume %s, which isn't there", name, source)
			}
		}
		if opts := s.texts("security_opt"); !slices.Contains(opts, "no-new-privileges:true") {
			t.Errorf("%s: got the options %v, want no new privileges", name, opts)
		}
	}
	for name := range secrets {
		if got, want := secrets.at(t, name)["file"], "./secrets/"+name; got != want || len(secrets.at(t, name)) != 1 {
			t.Errorf("got the secret %s in %v, want it in the file %s alone", name, secrets[name], want)
		}
	}
	ignored := exec.CommandContext(t.Context(), "git", "check-ignore", "--no-index", "secrets/master-key")
	ignored.Dir = composed
	if out, err := ignored.CombinedOutput(); err != nil {
		t.Errorf("git would take the secrets into a commit: %v\n%s", err, out)
	}
}

// TestComposeNodes reads each node's settings as the server does, and holds the nodes to each other and to nginx.
func TestComposeNodes(t *testing.T) {
	file := parseYAML(t, read(t, filepath.Join(composed, "compose.yaml")))
	upstream := read(t, filepath.Join(composed, "nginx/jeton-upstream.conf"))
	var first string
	volumes := map[string]bool{}
	for name, node := range nodes(t, file.at(t, "services")) {
		settings := fmt.Sprint(node["environment"])
		if first == "" {
			first = settings
		} else if settings != first {
			t.Errorf("%s: got other settings than another node:\n%s\n%s", name, settings, first)
		}
		for _, volume := range node.texts("volumes") {
			if volumes[volume] {
				t.Errorf("%s: shares the volume %s with another", name, volume)
			}
			volumes[volume] = true
		}
		for _, want := range []struct{ key, value string }{
			{"read_only", "true"}, {"cap_drop", "[ALL]"}, {"user", "65532:65532"},
		} {
			if got := fmt.Sprint(node[want.key]); got != want.value {
				t.Errorf("%s: got %s %s, want %s", name, want.key, got, want.value)
			}
		}
		address := fmt.Sprint(node.at(t, "networks", "calls")["ipv4_address"])
		for _, port := range []string{":8081 ", ":8080 "} {
			if !strings.Contains(upstream, "server "+address+port) {
				t.Errorf("%s: nginx doesn't ask %s%s", name, address, port)
			}
		}
		if !strings.Contains(read(t, filepath.Join(composed, "nginx/nginx.conf")), "server "+address+":8082 ") {
			t.Errorf("%s: nginx doesn't lead to the proxy at %s", name, address)
		}
		checkEnvironment(t, name, node, fmt.Sprint(file.at(t, "services", "nginx", "networks", "calls")["ipv4_address"]))
		checkHealth(t, name, node)
	}
	three := regexp.MustCompile(`127\.0\.0\.`).ReplaceAllString(read(t, "../../deploy/nginx/jeton-upstream-three.conf"), "172.31.53.")
	if got, want := serverLines(upstream), serverLines(three); !slices.Equal(got, want) {
		t.Errorf("nginx asks\n%s\nwant it to ask as the file for three nodes does:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// serverLines returns the lines of a configuration that name a node.
func serverLines(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "server ") {
			lines = append(lines, line)
		}
	}
	return lines
}

// variableDefault is a variable of compose with what stands for it where it isn't set.
var variableDefault = regexp.MustCompile(`\$\{[A-Z0-9_]+:-([^}]*)\}`)

// checkEnvironment loads the settings of a node, with secrets of its own in their files.
func checkEnvironment(t *testing.T, name string, node object, proxy string) {
	t.Helper()
	dir := t.TempDir()
	for _, secret := range node.texts("secrets") {
		write(t, filepath.Join(dir, secret), map[string]string{
			"master-key": strings.Repeat("a", 64), "database": "postgres://jeton:canary@postgres/jeton?sslmode=disable",
		}[secret]+"\n")
		if secret == "admin-password" {
			write(t, filepath.Join(dir, secret), "correct horse battery\n")
		}
	}
	var environ []string
	given := node.at(t, "environment")
	for key := range given {
		value := variableDefault.ReplaceAllString(fmt.Sprint(given[key]), "$1")
		environ = append(environ, key+"="+strings.Replace(value, "/run/secrets", dir, 1))
	}
	c, err := load(t, nil, environ)
	if err != nil || len(c.Warnings) > 0 {
		t.Errorf("%s: got %v, warnings %q, want settings that the server takes", name, err, c.Warnings)
		return
	}
	if c.MasterKey == "" || c.AdminPassword == "" || !strings.HasPrefix(c.Database, "postgres://") {
		t.Errorf("%s: got a master key, an administrator's password and the database %q, want all three from secrets", name, c.Database)
	}
	if got := fmt.Sprint(c.TrustedPeers); got != "["+proxy+"/32]" {
		t.Errorf("%s: trusts %s, want nginx alone, %s", name, got, proxy)
	}
	if got := fmt.Sprint(node.texts("volumes")); !strings.HasSuffix(got, ":"+c.Data+"]") {
		t.Errorf("%s: got the volumes %s, want one at %s", name, got, c.Data)
	}
	if !strings.HasSuffix(c.ProxyListen, ":8082") || c.ProxyTLS() {
		t.Errorf("%s: got the proxy at %q, want it where nginx looks for it", name, c.ProxyListen)
	}
	grace, err := time.ParseDuration(fmt.Sprint(node["stop_grace_period"]))
	if least := 4*c.Drain + 30*time.Second; err != nil || grace < least {
		t.Errorf("%s: got %s (%v) to stop, want %s for four listeners to drain and the rest to be stored", name, grace, err, least)
	}
}

// checkHealth looks for the command by which a node is asked for its health.
func checkHealth(t *testing.T, name string, node object) {
	t.Helper()
	test := node.at(t, "healthcheck").texts("test")
	if len(test) < 3 || test[0] != "CMD" || test[1] != "/jeton" { // the image has no shell
		t.Fatalf("%s: got the health check %q, want one by the binary", name, test)
	}
	cmd, left, err := cli.Commands().Find(test[2:])
	if err != nil || cmd.Name() != "health" {
		t.Fatalf("%s: got the health check %q: %v", name, test, err)
	}
	if err := cmd.ParseFlags(left); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// TestDockerfile holds the image to what is said of it.
func TestDockerfile(t *testing.T) {
	text := strings.ReplaceAll(read(t, filepath.Join(composed, "Dockerfile")), "\\\n", "")
	var from []string
	last := ""
	for line := range strings.Lines(text) {
		if image, ok := strings.CutPrefix(line, "FROM "); ok {
			from = append(from, strings.Fields(image)[0])
		}
		if user, ok := strings.CutPrefix(line, "USER "); ok {
			last = strings.TrimSpace(user)
		}
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../../go.mod"))[1]
	if want := []string{"golang:" + version + "-bookworm", "scratch"}; !slices.Equal(from, want) {
		t.Errorf("got images from %q, want %q", from, want)
	}
	for _, want := range []string{"CGO_ENABLED=0", "-trimpath", "COPY --from=build --chown=65532:65532 /out/data /var/lib/jeton", `ENTRYPOINT ["/jeton"]`} {
		if !strings.Contains(text, want) {
			t.Errorf("the image lacks %s", want)
		}
	}
	if last != "65532:65532" {
		t.Errorf("got the user %q, want one that isn't root, by number", last)
	}
	ignored := read(t, "../../.dockerignore")
	for line := range strings.Lines(read(t, "../../.gitignore")) {
		pattern := strings.TrimSuffix(strings.TrimSpace(line), "/")
		if pattern != "" && pattern[0] != '#' && !strings.Contains(ignored, path.Base(pattern)+"\n") {
			t.Errorf("%s is ignored by git and not by docker", pattern)
		}
	}
}

// TestComposedNginx has nginx read what the container gets, put together as compose.yaml mounts it.
func TestComposedNginx(t *testing.T) {
	file, dir := parseYAML(t, read(t, filepath.Join(composed, "compose.yaml"))), t.TempDir()
	for _, mount := range file.at(t, "services", "nginx").texts("volumes") {
		parts := strings.Split(mount, ":")
		text := read(t, filepath.Join(composed, parts[0]))
		if path.Base(parts[1]) == "nginx.conf" { // what is the image's own
			text = strings.NewReplacer("user             nginx;", "", "/run/nginx.pid", filepath.Join(dir, "pid"), "/dev/std", dir+"/std").Replace(text)
		}
		write(t, filepath.Join(dir, strings.TrimPrefix(parts[1], "/etc/nginx/")), text)
	}
	if out, err := exec.CommandContext(t.Context(), "nginx", "-t", "-p", dir, "-c", filepath.Join(dir, "nginx.conf")).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

package deploy_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/cli"
)

const (
	root  = "../.."
	chart = "deploy/helm/jeton"
)

// least are the values without which there is no chart.
func least() []string {
	return []string{"--set", "publicUrl=https://tokens.example.com", "--set", "existingSecret=desk", "--set", "trustedPeers={10.0.0.0/8}"}
}

// helmProgram builds Helm as tools/helm pins it, where it isn't in Go's cache yet, and returns where it is.
var helmProgram = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "tool", "-modfile=tools/helm/go.mod", "-n", "helm")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("building Helm: %w", err)
	}
	return strings.TrimSpace(string(out)), err
})

// helm runs Helm. What it prints on standard error is returned as the error's text.
func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	program, err := helmProgram()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = root
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: %s%s", err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

// render returns the objects of the chart, by kind and name.
func render(t *testing.T, values ...string) (map[string]object, string) {
	t.Helper()
	text, err := helm(t, append([]string{"template", "jeton", chart, "--namespace", "desk", "--kube-version", "1.30.0"}, values...)...)
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]object{}
	for document := range strings.SplitSeq(text, "\n---\n") {
		o := parseYAML(t, document)
		objects[fmt.Sprint(o["kind"], " ", o.at(t, "metadata")["name"])] = o
	}
	return objects, text
}

// TestChartIsKubernetes reads what the chart comes to by Kubernetes' own types, which have no member that is misspelt; with
// everything in it that it can have.
func TestChartIsKubernetes(t *testing.T) {
	if said, err := helm(t, append([]string{"lint", "--strict", "--kube-version", "1.30.0", chart}, least()...)...); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	all := append(least(), "--values", filepath.Join("test/deploy/testdata", "everything.yaml"))
	for name, values := range map[string][]string{"least": least(), "everything": all} {
		_, text := render(t, values...)
		cmd := exec.CommandContext(t.Context(), "go", "run", "./objects")
		cmd.Dir, cmd.Stdin = filepath.Join(root, "tools/helm"), strings.NewReader(text)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		want := []string{"ConfigMap jeton", "PodDisruptionBudget jeton", "Service jeton", "Service jeton-gateway", "Service jeton-nodes", "StatefulSet jeton"}
		if name == "everything" {
			want = append(want, "NetworkPolicy jeton", "Service jeton-proxy")
		}
		got := strings.Split(strings.TrimSpace(string(out)), "\n")
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got the objects %q, want %q", name, got, want)
		}
	}
}

// TestChartRefuses gives values that would make a Jeton that isn't safe, or none.
func TestChartRefuses(t *testing.T) {
	for name, values := range map[string][]string{
		"no URL":                  {"--set", "publicUrl="},
		"a URL in the clear":      {"--set", "publicUrl=http://tokens.example.com"},
		"no Secret":               {"--set", "existingSecret="},
		"no peers":                {"--set", "trustedPeers=null"},
		"a secret in the values":  {"--set", "settings.master-key=abc"},
		"a password in the DSN":   {"--set", "settings.database=postgres://jeton:canary@db/jeton"},
		"what the chart sets":     {"--set", "settings.listen=:80"},
		"the proxy's address":     {"--set", "settings.proxy-listen=:80"},
		"a proxy by another word": {"--set", "proxy.enable=true"},
		"a number out of quotes":  {"--set", "settings.max-remembered=4000000"},
		"on out of quotes":        {"--set", "settings.matrix42=true"},
		"whatever is newest":      {"--set", "image.tag=latest"},
		"half a digest":           {"--set", "image.digest=sha256:abc"},
		"a value that isn't one":  {"--set", "replicaCount=3"},
		"no sleep before the end": {"--set", "preStopSleepSeconds=0"},
		"Kubernetes too old":      {"--kube-version", "1.29.9"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"template", "jeton", chart, "--kube-version", "1.30.0"}, least()...)
			if _, err := helm(t, append(args, values...)...); err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want it refused, and no secret in the error", err)
			}
		})
	}
}

// container returns the one container of the nodes, and their pod.
func container(t *testing.T, objects map[string]object) (pod, c object) {
	t.Helper()
	pod = objects["StatefulSet jeton"].at(t, "spec", "template", "spec")
	list, ok := pod["containers"].([]any)
	if !ok || len(list) != 1 {
		t.Fatalf("got the containers %v, want one", pod["containers"])
	}
	one, _ := list[0].(map[string]any)
	return pod, one
}

// TestChartSettings has the server read the settings that the chart gives it, beside the secrets as Kubernetes hands them on.
func TestChartSettings(t *testing.T) {
	for name, values := range map[string][]string{
		"least":      least(),
		"everything": append(least(), "--values", filepath.Join("test/deploy/testdata", "everything.yaml")),
	} {
		objects, _ := render(t, values...)
		_, c := container(t, objects)
		args := c.texts("args")
		cmd, left, err := cli.Commands().Find(args)
		if err != nil || cmd.Name() != "serve" || !slices.Equal(left, []string{"--config", "/etc/jeton/jeton.yaml"}) {
			t.Fatalf("%s: got the arguments %q: %v", name, args, err)
		}
		dir := t.TempDir()
		text := objects["ConfigMap jeton"].at(t, "data")["jeton.yaml"].(string) //nolint:errcheck // a panic fails the test, too
		write(t, filepath.Join(dir, "jeton.yaml"), text)
		secrets := filepath.Join(dir, "secrets")
		write(t, filepath.Join(secrets, "master-key"), strings.Repeat("a", 64))
		write(t, filepath.Join(secrets, "database"), "postgres://jeton:canary@db/jeton")
		env, _ := c["env"].([]any)
		if got := fmt.Sprint(env); got != "[map[name:CREDENTIALS_DIRECTORY value:/run/secrets/jeton] map[name:JETON_DATA value:/var/lib/jeton/data]]" {
			t.Errorf("%s: got the environment %s, want no more than where the secrets are, and the data folder in place of the image's own", name, got)
		}
		cfg, err := load(t, []string{"--config", filepath.Join(dir, "jeton.yaml")}, []string{"CREDENTIALS_DIRECTORY=" + secrets})
		if err != nil || len(cfg.Warnings) > 0 {
			t.Errorf("%s: got %v, warnings %q of\n%s", name, err, cfg.Warnings, text)
			continue
		}
		if cfg.MasterKey == "" || !strings.HasPrefix(cfg.Database, "postgres://") {
			t.Errorf("%s: got the database %q, want it and the master key from the Secret", name, cfg.Database)
		}
		if everything := name == "everything"; cfg.PublicTLS() != everything || cfg.GatewayTLS() != everything {
			t.Errorf("%s: got TLS %v, %v, want it where there is a certificate", name, cfg.PublicTLS(), cfg.GatewayTLS())
		} else if cfg.ProxyListen != map[bool]string{true: ":8082"}[everything] || cfg.ProxyListen != "" && !cfg.ProxyTLS() {
			t.Errorf("%s: got the proxy at %q, with TLS %v, want one where it was asked for, with TLS", name, cfg.ProxyListen, cfg.ProxyTLS())
		}
	}
}

// TestChartNodes holds the nodes to what an operator relies on: none is asked before it can answer, none goes before the
// others stand, and whoever takes one over has little in hand.
func TestChartNodes(t *testing.T) {
	objects, text := render(t, least()...)
	set := objects["StatefulSet jeton"].at(t, "spec")
	pod, c := container(t, objects)
	for _, tc := range []struct {
		what string
		got  any
		want string
	}{
		{"replicas", set["replicas"], "3"},
		{"update", set.at(t, "updateStrategy")["type"], "RollingUpdate"},
		{"start", c.at(t, "startupProbe", "httpGet")["path"], "/livez"},
		{"liveness", c.at(t, "livenessProbe", "httpGet")["path"], "/livez"},
		{"readiness", c.at(t, "readinessProbe", "httpGet")["path"], "/readyz"},
		{"disruption", objects["PodDisruptionBudget jeton"].at(t, "spec")["maxUnavailable"], "1"},
		{"gateway", objects["Service jeton-gateway"].at(t, "spec")["type"], "ClusterIP"},
		{"root", pod.at(t, "securityContext")["runAsNonRoot"], "true"},
		{"seccomp", pod.at(t, "securityContext", "seccompProfile")["type"], "RuntimeDefault"},
		{"files", c.at(t, "securityContext")["readOnlyRootFilesystem"], "true"},
		{"more rights", c.at(t, "securityContext")["allowPrivilegeEscalation"], "false"},
		{"capabilities", c.at(t, "securityContext", "capabilities")["drop"], "[ALL]"},
		{"service account", pod["automountServiceAccountToken"], "false"},
		{"service variables", pod["enableServiceLinks"], "false"},
		{"image", c["image"], "jeton:0.1.0"},
	} {
		if fmt.Sprint(tc.got) != tc.want {
			t.Errorf("%s: got %v, want %s", tc.what, tc.got, tc.want)
		}
	}
	if got := len(pod.texts("topologySpreadConstraints")); got != 2 {
		t.Errorf("got %d constraints on where nodes go, want one by machine and one by zone", got)
	}
	cfg, err := load(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	sleep := seconds(t, c.at(t, "lifecycle", "preStop", "sleep")["seconds"])
	if got, want := seconds(t, pod["terminationGracePeriodSeconds"]), sleep+3*cfg.Drain+30*time.Second; sleep < 5*time.Second || got != want {
		t.Errorf("got %s to end, with a sleep of %s, want %s for three listeners to drain and the rest to be stored", got, sleep, want)
	}
	if strings.Contains(text, "kind: Secret") {
		t.Error("the chart makes a Secret, whose content would stand in its values")
	}
	for name, o := range objects {
		if kind, _, _ := strings.Cut(name, " "); kind == "Service" && fmt.Sprint(o.at(t, "spec", "selector")) != fmt.Sprint(set.at(t, "selector", "matchLabels")) {
			t.Errorf("%s doesn't lead to the nodes", name)
		}
	}
	claims := set.texts("volumeClaimTemplates")
	if len(claims) != 1 || len(pod.texts("volumes")) != 2 {
		t.Errorf("got the claims %v and volumes %v, want a data folder for each node, settings and secrets", claims, pod.texts("volumes"))
	}
	objects, _ = render(t, append(least(), "--set", "persistence.enabled=false")...)
	if pod, _ := container(t, objects); objects["StatefulSet jeton"].at(t, "spec")["volumeClaimTemplates"] != nil || len(pod.texts("volumes")) != 3 {
		t.Errorf("without persistence: got the volumes %v, want a folder that goes with the pod", pod.texts("volumes"))
	}
}

// TestChartProxy has Jeton's own proxy stand where it is asked for, without a certificate, and nothing of it where it isn't.
func TestChartProxy(t *testing.T) {
	objects, text := render(t, least()...)
	if strings.Contains(text, "8082") || objects["Service jeton-proxy"] != nil {
		t.Error("got a proxy that nobody asked for")
	}
	pod, _ := container(t, objects)
	without := seconds(t, pod["terminationGracePeriodSeconds"])
	objects, _ = render(t, append(least(), "--set", "proxy.enabled=true", "--set", "proxy.port=80")...)
	pod, c := container(t, objects)
	if got := seconds(t, pod["terminationGracePeriodSeconds"]) - without; got != 10*time.Second {
		t.Errorf("got %s more to end, want the time that one listener may take to drain", got)
	}
	service := objects["Service jeton-proxy"].at(t, "spec")
	if ports := service.texts("ports"); service["type"] != "ClusterIP" || !slices.Equal(ports, []string{"map[name:http port:80 targetPort:proxy]"}) {
		t.Errorf("got a Service of type %v with the ports %q, want one within the cluster that leads to the proxy", service["type"], ports)
	}
	if ports := c.texts("ports"); !slices.Contains(ports, "map[containerPort:8082 name:proxy]") {
		t.Errorf("got the ports %q, want the proxy's among them", ports)
	}
	file := filepath.Join(t.TempDir(), "jeton.yaml")
	write(t, file, objects["ConfigMap jeton"].at(t, "data")["jeton.yaml"].(string)) //nolint:errcheck // a panic fails the test, too
	cfg, err := load(t, []string{"--config", file, "--database", "sqlite:", "--data", t.TempDir()}, nil)
	if err != nil || cfg.ProxyListen != ":8082" || cfg.ProxyTLS() || !slices.Contains(cfg.PlainHTTP, "proxy") {
		t.Errorf("got the proxy at %q, plain http for %q, %v, want it plain within the cluster", cfg.ProxyListen, cfg.PlainHTTP, err)
	}
}

// seconds reads a number of YAML as a time.
func seconds(t *testing.T, value any) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(fmt.Sprint(value) + "s")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestChartNetworkPolicy lets in who is named, each at one door, and nobody at a door for which nobody is.
func TestChartNetworkPolicy(t *testing.T) {
	objects, _ := render(t, append(least(), "--values", filepath.Join("test/deploy/testdata", "everything.yaml"))...)
	spec := objects["NetworkPolicy jeton"].at(t, "spec")
	want := []string{
		"map[from:[map[podSelector:map[matchLabels:map[app:prometheus]]]] ports:[map[port:admin]]]",
		"map[from:[map[podSelector:map[matchLabels:map[app:nginx]]]] ports:[map[port:gateway]]]",
		"map[from:[map[podSelector:map[matchLabels:map[app:ingress]]]] ports:[map[port:proxy]]]",
	}
	if got := spec.texts("ingress"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := spec.texts("egress"); len(got) != 2 || !strings.Contains(got[1], "5432") {
		t.Errorf("got %q, want DNS and the database", got)
	}
}

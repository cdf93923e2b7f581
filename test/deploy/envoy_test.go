package deploy_test

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	streamv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/stream/v3"
	extauthzv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3" // the examples name its type
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/formatter/req_without_query/v3" // likewise
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"              // likewise
	"github.com/knadh/koanf/parsers/yaml"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/jeton-io/jeton/internal/profile/bitcanuck"
	"github.com/jeton-io/jeton/internal/profile/matrix42"
	"github.com/jeton-io/jeton/internal/profile/xdoc"
	"github.com/jeton-io/jeton/internal/web"
)

const envoy = "../../deploy/envoy"

// validated is what Envoy's types are: each can say whether it holds what Envoy would take.
type validated interface {
	proto.Message
	ValidateAll() error
}

// readEnvoy reads an example into one of Envoy's own types: a name that these don't know, or a value that they don't take, ends the
// test. It is all that can be had of Envoy here.
func readEnvoy(t *testing.T, name string, into validated) {
	t.Helper()
	tree, err := yaml.Parser().Unmarshal([]byte(read(t, filepath.Join(envoy, name))))
	check(t, err)
	text, err := json.Marshal(tree)
	check(t, err)
	check(t, protojson.UnmarshalOptions{}.Unmarshal(text, into))
	check(t, into.ValidateAll())
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// unpack reads what stands in the place of any type.
func unpack[T validated](t *testing.T, in *anypb.Any, into T) T {
	t.Helper()
	check(t, in.UnmarshalTo(into))
	check(t, into.ValidateAll())
	return into
}

// example is a whole Envoy, as far as it has to do with Jeton.
type example struct {
	manager  *hcmv3.HttpConnectionManager
	ask      *extauthzv3.ExtAuthz
	clusters map[string]*clusterv3.Cluster
}

func readExample(t *testing.T, name string) *example {
	t.Helper()
	all := new(bootstrapv3.Bootstrap)
	readEnvoy(t, name, all)
	e := &example{clusters: map[string]*clusterv3.Cluster{}}
	for _, c := range all.GetStaticResources().GetClusters() {
		e.clusters[c.GetName()] = c
		for _, options := range c.GetTypedExtensionProtocolOptions() {
			_, err := options.UnmarshalNew()
			check(t, err)
		}
	}
	listeners := all.GetStaticResources().GetListeners()
	if len(listeners) != 1 || len(listeners[0].GetFilterChains()) != 1 {
		t.Fatalf("%s: got %d listeners, want one with one chain of filters", name, len(listeners))
	}
	e.manager = manager(t, listeners[0])
	e.ask = unpack(t, e.manager.GetHttpFilters()[0].GetTypedConfig(), new(extauthzv3.ExtAuthz))
	return e
}

func manager(t *testing.T, l *listenerv3.Listener) *hcmv3.HttpConnectionManager {
	t.Helper()
	return unpack(t, l.GetFilterChains()[0].GetFilters()[0].GetTypedConfig(), new(hcmv3.HttpConnectionManager))
}

// TestEnvoy holds both examples to what keeps calls from passing another way than through Jeton.
func TestEnvoy(t *testing.T) {
	for _, name := range []string{"envoy.yaml", "envoy-http.yaml"} {
		t.Run(name, func(t *testing.T) {
			e := readExample(t, name)
			m := e.manager
			if !m.GetUseRemoteAddress().GetValue() || m.GetNormalizePath().GetValue() || m.GetMergeSlashes() ||
				m.GetPathWithEscapedSlashesAction() != hcmv3.HttpConnectionManager_REJECT_REQUEST || !m.GetStripAnyHostPort() {
				t.Error("the API may get another path, or Jeton hear of another client, than the call has")
			}
			if got := m.GetCommonHttpProtocolOptions().GetHeadersWithUnderscoresAction().String(); got != "DROP_HEADER" {
				t.Errorf("names with underscores: got %s, want DROP_HEADER", got)
			}
			if len(m.GetHttpFilters()) != 2 || m.GetHttpFilters()[1].GetName() != "envoy.filters.http.router" {
				t.Error("there are filters beside the question and the router")
			}
			a := e.ask
			if a.GetFailureModeAllow() || !a.GetEncodeRawHeaders() || !a.GetClearRouteCache() || a.GetStatusOnError().GetCode() != 503 ||
				a.GetTransportApiVersion().String() != "V3" || a.GetWithRequestBody() != nil || a.GetFilterEnabled() != nil || a.GetShadowMode() {
				t.Errorf("got %v, want every call asked about, and none let in without an answer", a)
			}
			hosts := m.GetRouteConfig().GetVirtualHosts()
			if len(hosts) != 1 || !slices.Equal(hosts[0].GetDomains(), []string{"api.example.com"}) {
				t.Error("the client chooses the host")
			}
			for _, r := range hosts[0].GetRoutes() {
				if r.GetRoute().GetHostRewriteLiteral() != "api.example.com" || r.GetTypedPerFilterConfig() != nil || r.GetRoute().GetPrefixRewrite() != "" {
					t.Errorf("the route %v goes another way than the one that is judged", r)
				}
			}
			if e.clusters["jeton"].GetCommonLbConfig().GetHealthyPanicThreshold() == nil || e.clusters["jeton"].GetCommonLbConfig().GetHealthyPanicThreshold().GetValue() != 0 {
				t.Error("Envoy asks nodes that can't decide")
			}
			wantNoQueries(t, m)
		})
	}
}

// wantNoQueries holds the access log to what may stand in it.
func wantNoQueries(t *testing.T, m *hcmv3.HttpConnectionManager) {
	t.Helper()
	for _, log := range m.GetAccessLog() {
		format := unpack(t, log.GetTypedConfig(), new(streamv3.StdoutAccessLog)).GetLogFormat().GetTextFormatSource().GetInlineString()
		if !strings.Contains(format, "%REQ_WITHOUT_QUERY(:PATH)%") || strings.Contains(format, "%REQ(:PATH") || regexp.MustCompile(`(?i)authorization|cookie|referer`).MatchString(format) {
			t.Errorf("the access log holds secrets: %s", format)
		}
	}
	if len(m.GetAccessLog()) != 1 {
		t.Error("Envoy's own format would log queries")
	}
}

// TestEnvoyByGRPC holds the example to what it says to Jeton's own listener.
func TestEnvoyByGRPC(t *testing.T) {
	e := readExample(t, "envoy.yaml")
	ask := e.ask.GetGrpcService()
	if ask.GetEnvoyGrpc().GetClusterName() != "jeton" || ask.GetTimeout().AsDuration() >= 3*time.Second || ask.GetTimeout().AsDuration() < time.Second {
		t.Errorf("got %v, want Jeton asked for less than three seconds", ask)
	}
	if e.ask.GetAllowedHeaders() != nil || e.ask.GetDisallowedHeaders() != nil || e.ask.GetDecoderHeaderMutationRules() != nil {
		t.Error("Jeton doesn't see the whole header, or may not say what is to be taken out of it")
	}
	jeton := e.clusters["jeton"]
	if len(jeton.GetTypedExtensionProtocolOptions()) != 1 || len(jeton.GetHealthChecks()) != 1 || jeton.GetHealthChecks()[0].GetGrpcHealthCheck().GetServiceName() != "envoy.service.auth.v3.Authorization" {
		t.Errorf("got %v, want HTTP/2, and nodes asked whether they can decide", jeton)
	}
}

// TestEnvoyByHTTP holds the example to the header fields that must get to Jeton, and back.
func TestEnvoyByHTTP(t *testing.T) {
	e := readExample(t, "envoy-http.yaml")
	ask := e.ask.GetHttpService()
	if ask.GetPathPrefix() != "/ext-authz" || ask.GetServerUri().GetCluster() != "jeton" || ask.GetServerUri().GetTimeout().AsDuration() >= 3*time.Second {
		t.Errorf("got %v, want Jeton asked for less than three seconds", ask)
	}
	var names []string
	for _, p := range ask.GetAuthorizationResponse().GetAllowedUpstreamHeaders().GetPatterns() {
		names = append(names, p.GetExact())
	}
	for _, name := range web.IdentityNames {
		if want := name != web.StatusHeader; slices.Contains(names, strings.ToLower(name)) != want {
			t.Errorf("%s goes to the API: want %t", name, want)
		}
	}
	var seen []string
	for _, p := range e.ask.GetAllowedHeaders().GetPatterns() {
		seen = append(seen, p.GetExact())
	}
	if want := []string{"cookie", "origin", "sec-fetch-site", "accept"}; !slices.Equal(seen, want) {
		t.Errorf("Jeton sees %v beside Authorization, want %v", seen, want)
	}
	added := ask.GetAuthorizationRequest().GetHeadersToAdd()
	if len(added) != 1 || added[0].GetKey() != "x-real-ip" || added[0].GetValue() != "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%" {
		t.Errorf("got %v, want the client's address in X-Real-IP", added)
	}
}

// TestEnvoyProducts compares the routes to Jeton's public listener with what the profiles serve there. No path goes to the API without a
// question.
func TestEnvoyProducts(t *testing.T) {
	routes := new(routev3.RouteConfiguration)
	readEnvoy(t, "products.yaml", routes)
	if len(routes.GetVirtualHosts()) != 1 || !slices.Equal(routes.GetVirtualHosts()[0].GetDomains(), []string{"api.example.com"}) {
		t.Fatal("the client chooses the host")
	}
	for _, r := range routes.GetVirtualHosts()[0].GetRoutes() {
		asked := true
		if own := r.GetTypedPerFilterConfig()["envoy.filters.http.ext_authz"]; own != nil {
			asked = !unpack(t, own, new(extauthzv3.ExtAuthzPerRoute)).GetDisabled()
		}
		if (r.GetRoute().GetCluster() == "api") != asked || r.GetRoute().GetHostRewriteLiteral() != "api.example.com" {
			t.Errorf("the route %s: asked about %t, to %s", r.GetName(), asked, r.GetRoute().GetCluster())
		}
		if asked {
			continue
		}
		if add := r.GetRequestHeadersToAdd(); len(add) != 1 || add[0].GetHeader().GetKey() != "x-real-ip" || add[0].GetAppendAction().String() != "OVERWRITE_IF_EXISTS_OR_ADD" {
			t.Errorf("the route %s: Jeton would believe what a client says of its address", r.GetName())
		}
	}
	route := func(path string) string { // by the path alone, which Envoy compares as a whole
		for _, r := range routes.GetVirtualHosts()[0].GetRoutes() {
			if regexp.MustCompile("^(?:" + r.GetMatch().GetSafeRegex().GetRegex() + ")$").MatchString(path) {
				return r.GetName()
			}
		}
		return ""
	}
	for path, want := range map[string]string{
		"/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken": "matrix42", "/M42services/API/apitoken/GenerateAccessTokenFromApiToken/": "matrix42",
		"/m42Services/api/ApiToken/GenerateAccessTokenFromApiTokens": "", "/m42Services/api/ApiToken/": "", "/x/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken": "",
		"/api/v1/authenticate": "bitcanuck", "/api/v1/authenticate/": "bitcanuck", "/api/v1/logout": "bitcanuck", "/api/v1/authenticate-jwt/acme": "bitcanuck",
		"/api/v1/authenticated": "", "/api/v1/authenticate-jwt/": "", "/api/v1/authenticate-jwt/a/b": "", "/api/v1/users": "",
		"/XDocApi/": "xdoc-api", "/XDocApi": "xdoc-api", "/XDocUi/": "xdoc-security-token", "/XDocApi/x": "", "/xdocapi/": "",
	} {
		if got := route(path); got != want {
			t.Errorf("%s: got the route %q, want %q", path, got, want)
		}
		if served := matrix42.Serves(path) || bitcanuck.Serves(path) || xdoc.Serves(path); want != "" && !served {
			t.Errorf("%s goes to Jeton, which doesn't serve it", path)
		}
	}
}

// TestEnvoyGuide: the file in the guide is the one in deploy/.
func TestEnvoyGuide(t *testing.T) {
	var indented strings.Builder
	for line := range strings.Lines(read(t, filepath.Join(envoy, "envoy.yaml"))) {
		if strings.TrimSpace(line) != "" {
			indented.WriteString("   ")
		}
		indented.WriteString(line)
	}
	if !strings.Contains(read(t, "../../docs/how-to/envoy.md"), "```yaml\n"+indented.String()+"   ```\n") {
		t.Error("the guide has another file than deploy/envoy/envoy.yaml")
	}
}

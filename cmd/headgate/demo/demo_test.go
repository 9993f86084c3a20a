package demo

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// gatewayOf stands in for the gateway: it names the tenant by the user, as headgate does, so that the story can be
// tested alone. The honest one lets nobody choose.
func gatewayOf(t *testing.T, tenantOf func(r *http.Request) string) Story {
	t.Helper()
	cortex := NewCortex()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant := tenantOf(r)
		if tenant == "" {
			http.Error(w, "headgate: bad_credential: check user name and password", http.StatusUnauthorized)
			return
		}
		r.Header.Set("X-Scope-OrgID", tenant)
		cortex.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return Story{Gateway: server.URL, Admin: "http://127.0.0.1:1", Config: "demo.toml", Program: "headgate", Out: &strings.Builder{}}
}

func honest(r *http.Request) string {
	user, password, _ := r.BasicAuth()
	for _, c := range Clients() {
		if c.User == user && c.Password == password {
			return c.Tenant
		}
	}
	return ""
}

func TestStoryShowsEachTenantItsOwn(t *testing.T) {
	s := gatewayOf(t, honest)
	if err := s.Play(t.Context()); err != nil {
		t.Fatal(err)
	}
	out := s.Out.(*strings.Builder).String()
	for _, want := range []string{
		"prometheus-a  sees team-a    kitchen_temperature_celsius 21.5\n",
		"prometheus-b  sees team-b    garage_door_open 1\n",
		"wrong password  401",
		"curl -u prometheus-a:demo-a --data-binary 'cellar_humidity 0.6' " + s.Gateway + "/api/v1/push\n",
		"headgate explain --config demo.toml --client prometheus-a POST /api/v1/push\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the story does not say %q:\n%s", want, out)
		}
	}
}

func TestStoryFailsWhenAPromiseIsBroken(t *testing.T) {
	for _, tc := range []struct {
		name     string
		tenantOf func(r *http.Request) string
		want     string
	}{
		{"one tenant for all", func(*http.Request) string { return "team-a" }, "sees"},
		{"the client chooses", func(r *http.Request) string {
			if chosen := r.Header.Get("X-Scope-OrgID"); chosen != "" {
				return chosen
			}
			return honest(r)
		}, "chose another tenant"},
		{"any password", func(r *http.Request) string {
			user, _, _ := r.BasicAuth()
			return strings.Replace(user, "prometheus", "team", 1)
		}, "want 401"},
		{"nobody", func(*http.Request) string { return "" }, "answered 401"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := gatewayOf(t, tc.tenantOf).Play(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q in it", err, tc.want)
			}
		})
	}
}

func TestStandInKeepsTenantsApartAndIsBounded(t *testing.T) {
	c := NewCortex()
	ask := func(method, path, tenant, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("X-Scope-OrgID", tenant)
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		return w
	}
	for i := range keptPushes + 1 {
		if w := ask("POST", "/api/v1/push", "a", fmt.Sprintf("push %d.", i)); w.Code != 200 {
			t.Fatalf("push %d: %d", i, w.Code)
		}
	}
	ask("POST", "/api/v1/push", "b", "\x00\x01")
	ask("POST", "/api/v1/push", "b", strings.Repeat("x", keptText+1))

	a := ask("GET", "/prometheus/api/v1/query", "a", "").Body.String()
	if strings.Contains(a, "push 0.") || !strings.Contains(a, fmt.Sprintf("push %d.", keptPushes)) || strings.Contains(a, `"b"`) {
		t.Errorf("a sees %s", a)
	}
	b := ask("POST", "/prometheus/api/v1/query", "b", "").Body.String()
	if !strings.Contains(b, `"2 bytes"`) || !strings.Contains(b, fmt.Sprintf(`"%d bytes"`, keptText+1)) {
		t.Errorf("b sees %s", b)
	}
	if nobody := ask("GET", "/prometheus/api/v1/query", "c", "").Body.String(); !strings.Contains(nobody, `"result":[]`) {
		t.Errorf("a tenant without data sees %s", nobody)
	}

	for i := range keptTenants - 2 {
		ask("POST", "/api/v1/push", fmt.Sprintf("t%d", i), "x")
	}
	for _, tc := range []struct {
		method, path, tenant string
		status               int
	}{
		{"POST", "/api/v1/push", "one-too-many", 503},
		{"POST", "/api/v1/push", "a", 200},
		{"POST", "/api/v1/push", "", 401},
		{"GET", "/api/v1/push", "a", 405},
		{"GET", "/config", "a", 404},
	} {
		if w := ask(tc.method, tc.path, tc.tenant, "x"); w.Code != tc.status {
			t.Errorf("%s %s as %q: %d, want %d", tc.method, tc.path, tc.tenant, w.Code, tc.status)
		}
	}
}

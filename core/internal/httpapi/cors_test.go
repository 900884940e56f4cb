package httpapi

import (
	"net/http"
	"strings"
	"testing"
)

const site = "https://www.example.org"

var foreign = []string{"https://www.example.org.evil.example", "https://evil-www.example.org", "https://example.org", "http://www.example.org", "https://www.example.org:444", "https://WWW.example.org", "https://www.example.org/", "null", "*", "",
	"https://www.example.org, https://evil.example", "https://sub.www.example.org", "https://www.example.orgx", "https://xwww.example.org"}

func TestCORS_List(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := newServer(t, w, func(o *Options) { o.Origins = []string{"https://other.example.org", site} })
	for _, path := range []string{fiche, fiche, "/api/v1/content/fiche/absent", "/api/v1/types", "/", "/healthz", "/problems/stale", "/api/v1/content/fiche/old-mulhouse", "/assets/none.css"} {
		rec := from(t, s, "192.0.2.1:1", "GET", path, "Origin: "+site)
		h := rec.Header()
		if h.Get("Access-Control-Allow-Origin") != site || h.Get("Access-Control-Allow-Credentials") != "true" || !strings.Contains(h.Get("Access-Control-Expose-Headers"), "ETag, Content-Position, Location, Retry-After, X-Request-Id") {
			t.Errorf("%s, listed: got %v", path, h)
		}
		for _, origin := range foreign {
			h := from(t, s, "192.0.2.1:1", "GET", path, "Origin: "+origin).Header()
			if h["Access-Control-Allow-Origin"] != nil || h["Access-Control-Allow-Credentials"] != nil || h["Access-Control-Expose-Headers"] != nil {
				t.Errorf("%s, %q: got %v", path, origin, h)
			}
			if len(h["Vary"]) != 1 || !strings.HasSuffix(", "+h.Get("Vary"), ", Origin") {
				t.Errorf("%s, %q: Vary %q", path, origin, h["Vary"])
			}
		}
	}
	rec := from(t, s, "192.0.2.1:1", "GET", fiche, "Origin: "+site, "Origin: https://evil.example")
	if rec.Header()["Access-Control-Allow-Origin"] != nil {
		t.Error("two origins at once are answered")
	}
	before := w.answers.Load()
	for _, origin := range append(foreign, site) {
		from(t, s, "192.0.2.1:1", "GET", fiche, "Origin: "+origin)
	}
	if w.answers.Load() != before {
		t.Error("the cache keeps answers by origin")
	}
}

func TestCORS_Preflight(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld(), func(o *Options) { o.Origins = []string{site} })
	ask := func(origin, method string) http.Header {
		rec := from(t, s, "192.0.2.1:1", "OPTIONS", fiche, "Origin: "+origin, "Access-Control-Request-Method: "+method, "Access-Control-Request-Headers: authorization")
		if rec.Code != http.StatusNoContent {
			t.Errorf("%s of %s: %d", method, origin, rec.Code)
		}
		return rec.Header()
	}
	for _, method := range []string{"GET", "PATCH", "PUT", "DELETE"} {
		h := ask(site, method)
		if h.Get("Access-Control-Allow-Origin") != site || h.Get("Access-Control-Allow-Credentials") != "true" || !strings.Contains(h.Get("Access-Control-Allow-Methods"), method) {
			t.Errorf("%s: got %v", method, h)
		}
		for _, name := range []string{"Authorization", "Content-Type", "If-Match", "Idempotency-Key", "X-CSRF-Token", "Accept-Language", "Wait-For-Position", "If-None-Match", "Last-Event-ID"} {
			if !strings.Contains(h.Get("Access-Control-Allow-Headers"), name) {
				t.Errorf("%s is not allowed", name)
			}
		}
		for _, origin := range foreign {
			for name := range ask(origin, method) {
				if strings.HasPrefix(name, "Access-Control") {
					t.Errorf("%s of %q: %s", method, origin, name)
				}
			}
		}
	}
	for name := range ask(site, "TRACE") {
		if strings.HasPrefix(name, "Access-Control-Allow-M") {
			t.Errorf("TRACE: %s", name)
		}
	}
}

func TestCORS_AnySite(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld())
	h := from(t, s, "192.0.2.1:1", "GET", fiche, "Origin: "+site).Header()
	if h.Get("Access-Control-Allow-Origin") != "*" || h["Access-Control-Allow-Credentials"] != nil || strings.Contains(h.Get("Vary"), "Origin") {
		t.Errorf("public: got %v", h)
	}
	h = from(t, s, "192.0.2.1:1", "GET", fiche, "Origin: "+site, "Authorization: Bearer "+token).Header()
	if h["Access-Control-Allow-Origin"] != nil {
		t.Errorf("signed in: got %v", h)
	}
}

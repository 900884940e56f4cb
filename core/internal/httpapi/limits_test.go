package httpapi

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

func from(t *testing.T, s *Server, remote, method, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	r.RemoteAddr = remote
	for _, h := range headers {
		name, v, _ := strings.Cut(h, ": ")
		r.Header.Add(name, v)
	}
	rec := httptest.NewRecorder()
	s.Handler().ServeHTTP(rec, r)
	return rec
}

// statuses asks several times and counts the refusals for asking too often.
func refused(t *testing.T, s *Server, times int, remote, method, target string, headers ...string) (n int) {
	t.Helper()
	for range times {
		rec := from(t, s, remote, method, target, headers...)
		if rec.Code != http.StatusTooManyRequests {
			continue
		}
		n++
		after, err := strconv.Atoi(rec.Header().Get("Retry-After"))
		if err != nil || after < 1 || rec.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(rec.Body.String(), `"code":"rate_limited"`) {
			t.Fatalf("got %v\n%s", rec.Header(), rec.Body)
		}
	}
	return n
}

func TestLimit_Auth(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld(), func(o *Options) { o.AuthLimit, o.TrustedProxies = 5, []string{"10.0.0.0/8"} })
	login := "/api/v1/auth/login"
	if n := refused(t, s, 8, "192.0.2.1:1", "POST", login); n != 3 {
		t.Errorf("got %d refusals of 8, want 3", n)
	}
	for name, n := range map[string]int{
		"another port":             refused(t, s, 1, "192.0.2.1:2", "POST", login),
		"another route":            refused(t, s, 1, "192.0.2.1:1", "POST", "/api/v1/auth/forgot"),
		"a forged header":          refused(t, s, 1, "192.0.2.1:1", "POST", login, "X-Forwarded-For: 198.51.100.7"),
		"another forged header":    refused(t, s, 1, "192.0.2.1:1", "POST", login, "X-Real-Ip: 198.51.100.7", "Forwarded: for=198.51.100.7"),
		"another form of the same": refused(t, s, 1, "[::ffff:192.0.2.1]:1", "POST", login),
		"a query":                  refused(t, s, 1, "192.0.2.1:1", "POST", login+"?a=b"),
		"looking":                  refused(t, s, 1, "192.0.2.1:1", "GET", "/api/v1/auth/me"),
		"through a proxy":          refused(t, s, 1, "10.0.0.1:1", "POST", login, "X-Forwarded-For: 192.0.2.1"),
	} {
		if n != 1 {
			t.Errorf("%s evades the limit", name)
		}
	}
	for _, path := range []string{"/api/v1/auth//login", "/api/v1//auth/login", "/api/v1/auth/login/", "/api/v1/./auth/login", "/api/v1/x/../auth/login", "/api/v1/%61uth/login", "/API/v1/auth/login", "/api/v1/Auth/login"} {
		if rec := from(t, s, "192.0.2.1:1", "POST", path); rec.Code != http.StatusNotFound {
			t.Errorf("%s: got %d", path, rec.Code)
		}
	}
	for name, n := range map[string]int{
		"another address":                   refused(t, s, 1, "192.0.2.2:1", "POST", login),
		"another client of the proxy":       refused(t, s, 1, "10.0.0.1:1", "POST", login, "X-Forwarded-For: 192.0.2.3"),
		"content":                           refused(t, s, 20, "192.0.2.1:1", "GET", "/api/v1/types"),
		"looking when signed in":            refused(t, s, 20, "192.0.2.1:1", "GET", "/api/v1/auth/me", "Authorization: Bearer "+token),
		"health":                            refused(t, s, 20, "192.0.2.1:1", "GET", "/healthz"),
		"somebody who evades nothing there": refused(t, s, 5, "[2001:db8:1:1::1]:1", "POST", login),
	} {
		if n != 0 {
			t.Errorf("%s is limited", name)
		}
	}
	if n := refused(t, s, 1, "[2001:db8:1:1:ffff::2]:1", "POST", login); n != 1 {
		t.Error("another address of the same network of IPv6 evades the limit")
	}
	if n := refused(t, s, 1, "[2001:db8:1:2::1]:1", "POST", login); n != 0 {
		t.Error("another network of IPv6 is limited")
	}
}

func TestLimit_Anonymous(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld(), func(o *Options) { o.AnonymousLimit = 3 })
	if n := refused(t, s, 50, "192.0.2.1:1", "GET", fiche); n != 0 {
		t.Errorf("answers out of the cache are limited: %d", n)
	}
	seen := refused(t, s, 50, "192.0.2.1:1", "GET", "/api/v1/content/fiche/absent")
	if seen < 40 { // a slow machine gives a few back meanwhile
		t.Errorf("got %d refusals of 50", seen)
	}
	if n := refused(t, s, 50, "192.0.2.1:1", "GET", "/api/v1/types", "Authorization: Bearer pal_guessed"); n < 40 {
		t.Errorf("guessing tokens is limited %d times of 50", n)
	}
	for name, n := range map[string]int{
		"this machine":  refused(t, s, 50, "127.0.0.1:1", "GET", "/api/v1/content/fiche/absent"),
		"ready":         refused(t, s, 50, "192.0.2.1:1", "GET", "/readyz"),
		"who signed in": refused(t, s, 50, "192.0.2.1:1", "GET", "/api/v1/types", "Authorization: Bearer "+token),
	} {
		if n != 0 {
			t.Errorf("%s is limited", name)
		}
	}
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 2, 1, 9, 0, 0, 0, time.UTC)
	l := newLimiter(2, time.Minute)
	ip := netip.MustParseAddr("192.0.2.1")
	for i, want := range []bool{true, true, false, false} {
		if got := l.allow(ip, at) == nil; got != want {
			t.Errorf("request %d: got %v", i+1, got)
		}
	}
	if e, _ := core.AsError(l.allow(ip, at)); e.Extra["retryAfter"] != 30 {
		t.Errorf("got %v", e.Extra)
	}
	if l.allow(ip, at.Add(29*time.Second)) == nil || l.allow(ip, at.Add(30*time.Second)) != nil {
		t.Error("what was refused counts")
	}
	for i := range 3 * maxBuckets {
		_ = l.allow(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), at)
	}
	if n := len(l.now) + len(l.old); n > 2*maxBuckets {
		t.Errorf("%d addresses are remembered", n)
	}
}

// An address that keeps asking is not forgotten because others come.
func TestLimiter_Remembers(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 2, 1, 9, 0, 0, 0, time.UTC)
	l := newLimiter(1, time.Hour)
	ip := netip.MustParseAddr("192.0.2.1")
	_ = l.allow(ip, at)
	for i := range 2 * maxBuckets {
		_ = l.allow(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), at)
		if i%1000 == 0 && l.allow(ip, at) == nil {
			t.Fatalf("forgotten after %d others", i)
		}
	}
}

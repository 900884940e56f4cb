package httpapi

import (
	"net/http/httptest"
	"testing"
)

func TestClientAddress(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld(), func(o *Options) { o.TrustedProxies = []string{"10.0.0.0/8", "127.0.0.1", "::1"} })
	for _, tc := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{name: "direct", remote: "192.0.2.1:5", want: "192.0.2.1"},
		{name: "direct, with a tale", remote: "192.0.2.1:5", forwarded: []string{"198.51.100.1"}, want: "192.0.2.1"},
		{name: "through a proxy", remote: "10.0.0.1:5", forwarded: []string{"198.51.100.1"}, want: "198.51.100.1"},
		{name: "through a proxy, with a tale before", remote: "10.0.0.1:5", forwarded: []string{"127.0.0.1, 203.0.113.9, 198.51.100.1"}, want: "198.51.100.1"},
		{name: "through two", remote: "10.0.0.1:5", forwarded: []string{"203.0.113.9, 198.51.100.1, 10.0.0.2"}, want: "198.51.100.1"},
		{name: "through two, in two lines", remote: "10.0.0.1:5", forwarded: []string{"203.0.113.9, 198.51.100.1", "10.0.0.2"}, want: "198.51.100.1"},
		{name: "all of them trusted", remote: "10.0.0.1:5", forwarded: []string{"10.0.0.3, 10.0.0.2"}, want: "10.0.0.3"},
		{name: "no address", remote: "10.0.0.1:5", forwarded: []string{"198.51.100.1, unknown"}, want: "10.0.0.1"},
		{name: "empty", remote: "10.0.0.1:5", forwarded: []string{""}, want: "10.0.0.1"},
		{name: "with ports", remote: "[::1]:5", forwarded: []string{"[2001:db8::1]:77"}, want: "2001:db8::1"},
		{name: "in brackets", remote: "[::1]:5", forwarded: []string{"[2001:db8::1]"}, want: "2001:db8::1"},
		{name: "mapped", remote: "[::ffff:10.0.0.1]:5", forwarded: []string{"::ffff:198.51.100.1"}, want: "198.51.100.1"},
		{name: "a socket", remote: "@", forwarded: []string{"198.51.100.1"}, want: ""},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tc.remote
		r.Header["X-Forwarded-For"] = tc.forwarded
		if got := s.clientAddress(r); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}

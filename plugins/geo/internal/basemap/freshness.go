package basemap

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	unsaid   = 7 * 24 * time.Hour   // how long a tile is kept when the server does not say
	maxFresh = 365 * 24 * time.Hour // no tile is kept longer without asking
)

// freshUntil is how long an answer may be kept, as its headers say.
type freshUntil struct {
	Expires time.Time `json:"expires"`
	Strict  bool      `json:"strict,omitempty"` // it must not be given once it has expired
	unkept  bool      // it must not be kept at all
}

func (f freshUntil) fresh(now time.Time) bool { return now.Before(f.Expires) }

// freshness reads Cache-Control, Expires and Age as RFC 9111 says for a cache that many share. What it finds no word on is
// fresh for seven days.
func freshness(h http.Header, now time.Time) freshUntil {
	d := directives(h)
	f := freshUntil{unkept: d.has("no-store") || d.has("private"), Strict: d.has("must-revalidate") || d.has("proxy-revalidate")}
	age := min(max(lifetime(h, d, now), 0), maxFresh)
	if d.has("no-cache") || f.unkept {
		age = 0
	}
	f.Expires = now.Add(age)
	return f
}

func lifetime(h http.Header, d cacheControl, now time.Time) time.Duration {
	for _, name := range []string{"s-maxage", "max-age"} {
		if d.has(name) {
			return seconds(d[name]) - seconds(h.Get("Age"))
		}
	}
	if h.Get("Expires") == "" {
		return unsaid
	}
	expires, err := http.ParseTime(h.Get("Expires"))
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		return expires.Sub(date) - seconds(h.Get("Age"))
	}
	return expires.Sub(now)
}

// seconds reads a number of seconds; what is none counts as zero, and too many as the most that counts.
func seconds(text string) time.Duration {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil && n == 0 || n < 0 {
		return 0
	}
	return time.Duration(min(n, int64(maxFresh/time.Second))) * time.Second
}

// cacheControl are the directives of a Cache-Control header.
type cacheControl map[string]string

func directives(h http.Header) cacheControl {
	d := cacheControl{}
	for _, line := range h.Values("Cache-Control") {
		for part := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			d[strings.ToLower(name)] = strings.Trim(value, `"`)
		}
	}
	return d
}

func (d cacheControl) has(name string) bool { _, ok := d[name]; return ok }
